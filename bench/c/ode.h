// An adaptive solver of y' = f(t, y), specialised by the compiler: the program
// that includes it defines DIM, ERR (how many components the error counts; all
// unless it says so) and
//
//   static inline void rhs(double t, const double *y, double *dy)
//
// Rules for the first step and for the next are those of pinode's own solver,
// so that both take the same steps.
#ifndef ODE_H
#define ODE_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "tableau.h"

#ifndef ERR
#define ERR DIM
#endif

// step_t is a step with its stages: arguments and derivatives.
typedef struct {
  double t, h;
  double y[7][DIM], k[7][DIM];
} step_t;

#define STAGE(s, i, SUM)                                                     \
  do {                                                                       \
    for (int l = 0; l < DIM; l++) s->y[i][l] = s->y[0][l] + s->h * (SUM);    \
    rhs(s->t + C[i] * s->h, s->y[i], s->k[i]);                               \
  } while (0)
#define AK(j, i) (A[i][j] * s->k[j][l])

// take takes the step of length s->h from s->y[0], s->k[0].
static inline void take(step_t *s) {
  STAGE(s, 1, AK(0, 1));
  STAGE(s, 2, AK(0, 2) + AK(1, 2));
  STAGE(s, 3, AK(0, 3) + AK(1, 3) + AK(2, 3));
  STAGE(s, 4, AK(0, 4) + AK(1, 4) + AK(2, 4) + AK(3, 4));
  STAGE(s, 5, AK(0, 5) + AK(1, 5) + AK(2, 5) + AK(3, 5) + AK(4, 5));
  STAGE(s, 6, AK(0, 6) + AK(1, 6) + AK(2, 6) + AK(3, 6) + AK(4, 6) + AK(5, 6));
}

// mean_error is the mean square of the weighted error.
static inline double mean_error(const step_t *s, double rtol, double atol) {
  double sum = 0;
  for (int l = 0; l < ERR; l++) {
    double e = E[0] * s->k[0][l] + E[1] * s->k[1][l] + E[2] * s->k[2][l] + E[3] * s->k[3][l] +
               E[4] * s->k[4][l] + E[5] * s->k[5][l] + E[6] * s->k[6][l];
    double a = fabs(s->y[0][l]), b = fabs(s->y[6][l]);
    double w = s->h * e / (atol + rtol * (a > b ? a : b));
    sum += w * w;
  }
  return sum / ERR;
}

static inline double norm(const double *v, const double *y, double rtol, double atol) {
  double sum = 0;
  for (int l = 0; l < ERR; l++) {
    double w = v[l] / (atol + rtol * fabs(y[l]));
    sum += w * w;
  }
  return sqrt(sum / ERR);
}

// first_step proposes the length of the first step.
// Hairer, Norsett, Wanner: Solving ODEs I, II.4.
static inline double first_step(const step_t *s, double rtol, double atol, double longest) {
  const double *y = s->y[0], *f = s->k[0];
  double y1[DIM], f1[DIM];
  double d0 = norm(y, y, rtol, atol), d1 = norm(f, y, rtol, atol);
  double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  h0 = fmin(h0, longest);
  for (int l = 0; l < DIM; l++) y1[l] = y[l] + h0 * f[l];
  rhs(s->t + h0, y1, f1);
  for (int l = 0; l < DIM; l++) f1[l] -= f[l];
  double d = fmax(d1, norm(f1, y, rtol, atol) / h0);
  double h1 = d > 1e-15 ? pow(0.01 / d, 1. / 5) : fmax(1e-6, h0 * 1e-3);
  return fmin(fmin(100 * h0, h1), longest);
}

// control_t chooses the lengths of steps.
typedef struct {
  double before; // logarithm of the norm of the last accepted step's error
  int rejected;
} control_t;

// judge says whether a step stands, and sets the length to try next.
static inline int judge(control_t *c, double mean, double *h) {
  double lg = 0.5 * log(mean);
  if (!(mean <= 1)) {
    double f = SAFETY * exp(-ALPHA * lg);
    *h *= !(f >= LEAST) ? LEAST : f > BACK ? BACK : f;
    c->rejected = 1;
    return 0;
  }
  double f = SAFETY * exp(BETA * c->before - ALPHA * lg);
  f = f < LEAST ? LEAST : f > MOST ? MOST : f;
  if (c->rejected && f > 1) f = 1;
  c->rejected = 0;
  c->before = lg > LEAST_LOG ? lg : LEAST_LOG;
  *h *= f;
  return 1;
}

// start makes (t, y) the start of a run.
static inline void start(step_t *s, double t, const double *y) {
  s->t = t;
  memcpy(s->y[0], y, sizeof s->y[0]);
  rhs(t, s->y[0], s->k[0]);
}

// proceed makes the end of a step the start of the next.
static inline void proceed(step_t *s) {
  s->t += s->h;
  memcpy(s->y[0], s->y[6], sizeof s->y[0]);
  memcpy(s->k[0], s->k[6], sizeof s->k[0]);
}

// solve integrates from t0 to t1 and leaves the solution in y. ACCEPTED(s), if
// it is defined, is told of every accepted step. It returns their number.
static inline long solve(double t0, double t1, double *y, double rtol, double atol) {
  step_t s;
  control_t c = {LEAST_LOG, 0};
  long n = 0;
  start(&s, t0, y);
  double h = first_step(&s, rtol, atol, t1 - t0);
  for (;;) {
    double left = t1 - s.t;
    int last = h >= left * (1 - 1e-10);
    s.h = last ? left : h;
    double next = s.h;
    take(&s);
    if (judge(&c, mean_error(&s, rtol, atol), &next)) {
      n++;
#ifdef ACCEPTED
      ACCEPTED(s);
#endif
      if (last) break;
      proceed(&s);
    }
    h = next;
    if (!(h > 1e-14 * (t1 - t0))) {
      fprintf(stderr, "the step became too short at t = %g\n", s.t);
      exit(1);
    }
  }
  memcpy(y, s.y[6], sizeof s.y[6]);
  return n;
}

#endif
