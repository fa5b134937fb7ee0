// One run of the Lotka-Volterra equations to t = 10 at 1e-8. With -DGRADIENT
// also the gradient of ((x-1)^2 + (y-1)^2)/4 at its end by the four
// parameters: the steps are kept with their stages and differentiated
// backwards, one after the other, their lengths held fixed.
#ifdef GRADIENT
#define NAME "lotka_gradient"
#elif defined DOPRI5
#define NAME "lotka_dopri5"
#else
#define NAME "lotka"
#endif
#include "bench.h"

#define DIM 2
static volatile double given[4] = {1.5, 1, 3, 1}; // not known to the compiler
static double p[4];

static inline void rhs(double t, const double *y, double *dy) {
  (void)t;
  dy[0] = p[0] * y[0] - p[1] * y[0] * y[1];
  dy[1] = p[3] * y[0] * y[1] - p[2] * y[1];
}

#ifdef GRADIENT
static void keep(const void *s);
#define ACCEPTED(s) keep(&s)
#endif
#include "ode.h"

#ifdef GRADIENT
#define MAX_STEPS 4096
static step_t tape[MAX_STEPS];
static long kept;

static void keep(const void *s) {
  if (kept == MAX_STEPS) {
    fprintf(stderr, "more than %d steps\n", MAX_STEPS);
    exit(1);
  }
  memcpy(&tape[kept++], s, sizeof(step_t));
}

// rhs_vjp adds the cotangents of y and of the parameters for the cotangent ct
// of the right-hand side.
static inline void rhs_vjp(const double *y, const double *ct, double *yb, double *pb) {
  double xy = y[0] * y[1];
  yb[0] += ct[0] * (p[0] - p[1] * y[1]) + ct[1] * p[3] * y[1];
  yb[1] += -ct[0] * p[1] * y[0] + ct[1] * (p[3] * y[0] - p[2]);
  pb[0] += ct[0] * y[0];
  pb[1] -= ct[0] * xy;
  pb[2] -= ct[1] * y[1];
  pb[3] += ct[1] * xy;
}

// step_vjp pulls the cotangent of the end of a step back to its start.
static inline void step_vjp(const step_t *s, double *bar, double *pb) {
  double kb[6][DIM] = {{0}}, yb[DIM] = {bar[0], bar[1]}, out[DIM] = {bar[0], bar[1]};
  for (int j = 0; j < 6; j++)
    for (int l = 0; l < DIM; l++) kb[j][l] = s->h * A[6][j] * yb[l];
#define BACK_STAGE(i)                                                        \
  do {                                                                       \
    yb[0] = yb[1] = 0;                                                       \
    rhs_vjp(s->y[i], kb[i], yb, pb);                                         \
    for (int l = 0; l < DIM; l++) {                                          \
      out[l] += yb[l];                                                       \
      for (int j = 0; j < i; j++) kb[j][l] += s->h * A[i][j] * yb[l];        \
    }                                                                        \
  } while (0)
  BACK_STAGE(5);
  BACK_STAGE(4);
  BACK_STAGE(3);
  BACK_STAGE(2);
  BACK_STAGE(1);
  BACK_STAGE(0);
  bar[0] = out[0];
  bar[1] = out[1];
}
#endif

static void work(void) {
  for (int i = 0; i < 4; i++) p[i] = given[i];
  double y[DIM] = {1, 1};
#ifdef GRADIENT
  kept = 0;
#endif
  steps = solve(0, 10, y, 1e-8, 1e-8);
  result[0] = y[0];
  result[1] = y[1];
  results = 2;
#ifdef GRADIENT
  double bar[DIM] = {(y[0] - 1) / 2, (y[1] - 1) / 2}, pb[4] = {0};
  for (long i = kept; i-- > 0;) step_vjp(&tape[i], bar, pb);
  for (int i = 0; i < 4; i++) result[2 + i] = pb[i];
  results = 6;
#endif
}
