// The runs of ensemble.c four at a time, a lane of a vector each. Every lane
// has its own time, length of step and end; one that has ended takes the next
// run at once.
#define NAME "ensemble4"
#include "bench.h"

#include "tableau.h"

#define LANES 4
#define RUNS 10000
typedef double vec __attribute__((vector_size(8 * LANES)));
typedef long long mask __attribute__((vector_size(8 * LANES)));

static volatile double given[4] = {1.5, 1, 3, 1};
static double p[4];

static inline vec all(double x) { return (vec){x, x, x, x}; }
static inline vec pick(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }
static inline vec magnitude(vec a) { return pick(a < 0, -a, a); }

static inline void field(vec x, vec y, vec *dx, vec *dy) {
  vec xy = x * y;
  *dx = all(p[0]) * x - all(p[1]) * xy;
  *dy = all(p[3]) * xy - all(p[2]) * y;
}

static vec t, h, x, y, kx[7], ky[7], before;
static int rejected[LANES], busy[LANES];
static int next_run;

// load gives a lane its next run; without one it is idle.
static void load(int l) {
  const double t1 = 10, tol = 1e-6;
  if ((busy[l] = next_run < RUNS) == 0) {
    h[l] = 0;
    return;
  }
  double u = 0.5 + 0.015 * (next_run / 100), v = 0.5 + 0.015 * (next_run % 100);
  next_run++;
  double fu = p[0] * u - p[1] * u * v, fv = p[3] * u * v - p[2] * v;
  double wu = tol + tol * fabs(u), wv = tol + tol * fabs(v);
  double d0 = sqrt((u / wu * (u / wu) + v / wv * (v / wv)) / 2);
  double d1 = sqrt((fu / wu * (fu / wu) + fv / wv * (fv / wv)) / 2);
  double h0 = fmin(d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1, t1);
  double u1 = u + h0 * fu, v1 = v + h0 * fv;
  double gu = (p[0] * u1 - p[1] * u1 * v1 - fu) / wu, gv = (p[3] * u1 * v1 - p[2] * v1 - fv) / wv;
  double d = fmax(d1, sqrt((gu * gu + gv * gv) / 2) / h0);
  double h1 = d > 1e-15 ? pow(0.01 / d, 1. / 5) : fmax(1e-6, h0 * 1e-3);
  t[l] = 0;
  h[l] = fmin(fmin(100 * h0, h1), t1);
  x[l] = u;
  y[l] = v;
  kx[0][l] = fu;
  ky[0][l] = fv;
  before[l] = LEAST_LOG;
  rejected[l] = 0;
}

static void work(void) {
  const double t1 = 10, tol = 1e-6;
  for (int i = 0; i < 4; i++) p[i] = given[i];
  steps = 0;
  result[0] = result[1] = 0;
  results = 2;
  next_run = 0;
  for (int l = 0; l < LANES; l++) load(l);
  for (;;) {
    vec left = t1 - t, try = pick(h >= left * (1 - 1e-10), left, h), ex = x, ey = y;
#define STAGE(i, KX, KY)                                                     \
  do {                                                                       \
    ex = x + try * (KX);                                                     \
    ey = y + try * (KY);                                                     \
    field(ex, ey, &kx[i], &ky[i]);                                           \
  } while (0)
#define S1(i, k) (A[i][0] * k[0])
#define S2(i, k) (S1(i, k) + A[i][1] * k[1])
#define S3(i, k) (S2(i, k) + A[i][2] * k[2])
#define S4(i, k) (S3(i, k) + A[i][3] * k[3])
#define S5(i, k) (S4(i, k) + A[i][4] * k[4])
#define S6(i, k) (S5(i, k) + A[i][5] * k[5])
    STAGE(1, S1(1, kx), S1(1, ky));
    STAGE(2, S2(2, kx), S2(2, ky));
    STAGE(3, S3(3, kx), S3(3, ky));
    STAGE(4, S4(4, kx), S4(4, ky));
    STAGE(5, S5(5, kx), S5(5, ky));
    STAGE(6, S6(6, kx), S6(6, ky));
    vec dx = E[0] * kx[0] + E[1] * kx[1] + E[2] * kx[2] + E[3] * kx[3] + E[4] * kx[4] + E[5] * kx[5] + E[6] * kx[6];
    vec dy = E[0] * ky[0] + E[1] * ky[1] + E[2] * ky[2] + E[3] * ky[3] + E[4] * ky[4] + E[5] * ky[5] + E[6] * ky[6];
    vec ax = magnitude(x), bx = magnitude(ex), ay = magnitude(y), by = magnitude(ey);
    dx = try * dx / (tol + tol * pick(ax > bx, ax, bx));
    dy = try * dy / (tol + tol * pick(ay > by, ay, by));
    vec mean = (dx * dx + dy * dy) / 2;
    mask ok = mean <= 1;
    x = pick(ok, ex, x);
    y = pick(ok, ey, y);
    kx[0] = pick(ok, kx[6], kx[0]);
    ky[0] = pick(ok, ky[6], ky[0]);
    vec was = t;
    t = pick(ok, t + try, t);
    int any = 0;
    for (int l = 0; l < LANES; l++) {
      if (!busy[l]) continue;
      any = 1;
      double lg = 0.5 * log(mean[l]);
      if (!ok[l]) {
        double f = SAFETY * exp(-ALPHA * lg);
        h[l] = try[l] * (!(f >= LEAST) ? LEAST : f > BACK ? BACK : f);
        rejected[l] = 1;
        continue;
      }
      steps++;
      if (was[l] + h[l] >= t1 - 1e-10 * (t1 - was[l])) { // the step went to the end
        result[0] += x[l];
        result[1] += y[l];
        load(l);
        continue;
      }
      double f = SAFETY * exp(BETA * before[l] - ALPHA * lg);
      f = f < LEAST ? LEAST : f > MOST ? MOST : f;
      if (rejected[l] && f > 1) f = 1;
      rejected[l] = 0;
      before[l] = lg > LEAST_LOG ? lg : LEAST_LOG;
      h[l] = try[l] * f;
    }
    if (!any) break;
  }
}
