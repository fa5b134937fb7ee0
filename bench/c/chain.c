// The chain of Fermi, Pasta and Ulam with cubic forces, N masses between two walls, to t = 5 at
// 1e-6. The masses start at rest, each at sin((i+1)^2 mod 1000).
//
// E. Fermi, J. Pasta, S. Ulam, Studies of nonlinear problems, Los Alamos LA-1940, 1955.
#ifndef N
#define N 250
#endif
#define NAME "chain"
#include "bench.h"

#define DIM (2 * N)
static volatile double given = 0.7; // not known to the compiler
static double beta;

static inline void rhs(double t, const double *restrict y, double *restrict dy) {
  (void)t;
  for (int i = 0; i < N; i++) dy[i] = y[N + i];
  for (int i = 1; i < N - 1; i++) {
    double right = y[i + 1] - y[i], left = y[i] - y[i - 1];
    dy[N + i] = (y[i + 1] - 2 * y[i] + y[i - 1]) + beta * (right * right * right - left * left * left);
  }
  double right = y[1] - y[0], left = y[N - 1] - y[N - 2];
  dy[N] = (y[1] - 2 * y[0]) + beta * (right * right * right - y[0] * y[0] * y[0]);
  dy[2 * N - 1] = (y[N - 2] - 2 * y[N - 1]) - beta * (y[N - 1] * y[N - 1] * y[N - 1] + left * left * left);
}

#include "ode.h"

static double y[DIM];

static void work(void) {
  beta = given;
  for (int i = 0; i < N; i++) {
    y[i] = sin((double)((i + 1) * (i + 1) % 1000));
    y[N + i] = 0;
  }
  steps = solve(0, 5, y, 1e-6, 1e-6);
  result[0] = y[0];
  result[1] = y[N / 2];
  results = 2;
}
