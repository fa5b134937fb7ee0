// The Pleiades problem: seven stars in a plane, 28 states, to t = 3 at 1e-8.
// Hairer, Norsett, Wanner: Solving ODEs I, II.10.
#ifdef DOPRI5
#define NAME "pleiades_dopri5"
#else
#define NAME "pleiades"
#endif
#include "bench.h"

#define STARS 7
#define DIM (4 * STARS)

static inline void rhs(double t, const double *y, double *dy) {
  (void)t;
  const double *px = y, *py = y + STARS;
  double ax[STARS] = {0}, ay[STARS] = {0};
#pragma GCC unroll 7
  for (int i = 0; i < STARS; i++)
#pragma GCC unroll 7
    for (int j = i + 1; j < STARS; j++) {
      double dx = px[j] - px[i], dy_ = py[j] - py[i];
      double r2 = dx * dx + dy_ * dy_, w = 1 / (r2 * sqrt(r2));
      ax[i] += (j + 1) * w * dx;
      ay[i] += (j + 1) * w * dy_;
      ax[j] -= (i + 1) * w * dx;
      ay[j] -= (i + 1) * w * dy_;
    }
  for (int i = 0; i < STARS; i++) {
    dy[i] = y[2 * STARS + i];
    dy[STARS + i] = y[3 * STARS + i];
    dy[2 * STARS + i] = ax[i];
    dy[3 * STARS + i] = ay[i];
  }
}

#include "ode.h"

static void work(void) {
  double y[DIM] = {3, 3, -1, -3, 2, -2, 2,        // x
                   3, -3, 2, 0, 0, -4, 4,         // y
                   0, 0, 0, 0, 0, 1.75, -1.5,     // x'
                   0, 0, 0, -1.25, 1, 0, 0};      // y'
  steps = solve(0, 3, y, 1e-8, 1e-8);
  for (int i = 0; i < DIM; i++) result[i] = y[i];
  results = DIM;
}
