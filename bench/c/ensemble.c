// 10,000 runs of the Lotka-Volterra equations to t = 10 at 1e-6, one after the
// other, from a grid of 100 by 100 initial values. The result is the sum of
// the final states.
#define NAME "ensemble"
#include "bench.h"

#define DIM 2
static volatile double given[4] = {1.5, 1, 3, 1};
static double p[4];

static inline void rhs(double t, const double *y, double *dy) {
  (void)t;
  dy[0] = p[0] * y[0] - p[1] * y[0] * y[1];
  dy[1] = p[3] * y[0] * y[1] - p[2] * y[1];
}

#include "ode.h"

static void work(void) {
  for (int i = 0; i < 4; i++) p[i] = given[i];
  steps = 0;
  result[0] = result[1] = 0;
  for (int i = 0; i < 100; i++)
    for (int j = 0; j < 100; j++) {
      double y[DIM] = {0.5 + 0.015 * i, 0.5 + 0.015 * j};
      steps += solve(0, 10, y, 1e-6, 1e-6);
      result[0] += y[0];
      result[1] += y[1];
    }
  results = 2;
}
