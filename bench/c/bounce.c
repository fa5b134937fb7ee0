// A ball dropped from 1 m that bounces five times before t = 2.7: its height
// and speed there, at 1e-8. With -DGRADIENT also the derivatives of the height
// by gravity, restitution and the height of the drop, from sensitivities that
// are integrated beside the state and jump with it.
#ifdef GRADIENT
#define NAME "bounce_gradient"
#else
#define NAME "bounce"
#endif
#include "bench.h"

#define PARAMS 3 // g, e, h0
#ifdef GRADIENT
#define DIM (2 + 2 * PARAMS)
#else
#define DIM 2
#endif
#define ERR 2
static volatile double given[PARAMS] = {9.81, 0.8, 1};
static double p[PARAMS];

static inline void rhs(double t, const double *y, double *dy) {
  (void)t;
  dy[0] = y[1];
  dy[1] = -p[0];
#ifdef GRADIENT
  for (int i = 0; i < PARAMS; i++) {
    dy[2 + 2 * i] = y[3 + 2 * i];
    dy[3 + 2 * i] = i == 0 ? -1 : 0;
  }
#endif
}

#include "ode.h"

// height and speed are those of the interpolant at theta.
static double height(const step_t *s, double theta) {
  double h = s->y[0][0];
  for (int i = 0; i < 7; i++) {
    double w = 0;
    for (int j = 3; j >= 0; j--) w = (w + DENSE[i][j]) * theta;
    h += s->h * w * s->k[i][0];
  }
  return h;
}

// root finds where the height of the step that stands falls through zero, by
// the Illinois variant of false position.
static double root(const step_t *s, double lo, double hi) {
  double a = height(s, lo), b = height(s, hi);
  int side = 0;
  for (int i = 0; i < 100 && hi - lo > 1e-15; i++) {
    double m = (a * hi - b * lo) / (a - b), v = height(s, m);
    if (v > 0) {
      lo = m, a = v;
      if (side == 1) b /= 2;
      side = 1;
    } else if (v < 0) {
      hi = m, b = v;
      if (side == -1) a /= 2;
      side = -1;
    } else {
      return m;
    }
  }
  return hi;
}

// bounce is the jump of the state, and of its sensitivities by
// S+ = R_y S- + R_p + (R_y f- - f+) dtau, dtau = -g_y S- / (g_y f-).
static void bounce(double *y) {
  double v = y[1], e = p[1];
#ifdef GRADIENT
  for (int i = 0; i < PARAMS; i++) {
    double *s = y + 2 + 2 * i, dtau = -s[0] / v;
    double direct = i == 1 ? -v : 0;
    s[0] += (v + e * v) * dtau;
    s[1] = -e * s[1] + direct + (e * p[0] + p[0]) * dtau;
  }
#endif
  y[0] = 0;
  y[1] = -e * v;
}

static void work(void) {
  const double t1 = 2.7, tol = 1e-8;
  for (int i = 0; i < PARAMS; i++) p[i] = given[i];
  double y[DIM] = {p[2], 0};
#ifdef GRADIENT
  y[2 + 2 * 2] = 1;
#endif
  step_t s;
  control_t c = {LEAST_LOG, 0};
  int bounces = 0;
  steps = 0;
  start(&s, 0, y);
  double h = first_step(&s, tol, tol, t1);
  for (;;) {
    double left = t1 - s.t;
    int last = h >= left * (1 - 1e-10);
    s.h = last ? left : h;
    double next = s.h;
    take(&s);
    if (!judge(&c, mean_error(&s, tol, tol), &next)) {
      h = next;
      continue;
    }
    steps++;
    // On the way down at the end and below the table there or on the way: the
    // height is concave, so that one look at its end is enough.
    if (s.y[6][0] <= 0) {
      double lo = 0;
      if (s.y[0][0] <= 0) { // it has just left the table
        for (lo = 0.5; height(&s, lo) <= 0;) lo /= 2;
      }
      s.h *= root(&s, lo, 1);
      take(&s);
      double f = s.y[6][1];
      s.h -= s.y[6][0] / f; // on the true step
      take(&s);
      double at[DIM];
      memcpy(at, s.y[6], sizeof at);
      bounce(at);
      bounces++;
      start(&s, s.t + s.h, at);
      c.before = LEAST_LOG;
      h = next;
      continue;
    }
    if (last) break;
    proceed(&s);
    h = next;
  }
  result[0] = s.y[6][0];
  result[1] = s.y[6][1];
  result[2] = bounces;
  results = 3;
#ifdef GRADIENT
  for (int i = 0; i < PARAMS; i++) result[3 + i] = s.y[6][2 + 2 * i];
  results = 3 + PARAMS;
#endif
}
