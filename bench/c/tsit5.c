/* A specialised integrator: Tsitouras 5(4) with the controller and the first
 * step of pinode's solvers package, the right-hand side inlined. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double C[7] = {0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1};
static const double A[7][6] = {{0}, {0.161}, {-0.008480655492356989, 0.335480655492357}, {2.8971530571054935, -6.359448489975075, 4.3622954328695815}, {5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525}, {5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383}, {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774}};
static const double E[7] = {-0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629, 0.5823571654525552, -0.45808210592918697, 0.015151515151515152,};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

#define SOLVER(NAME, N, RHS)                                                            \
  static int NAME(double *y, double t, double t1, double tol, const double *p) {        \
    double k[7][N], w[N], before = -9.210340371976182;                                  \
    int steps = 0, rejected = 0;                                                        \
    RHS(t, y, k[0], p);                                                                 \
    double d0 = 0, d1 = 0, d2 = 0;                                                      \
    for (int i = 0; i < N; i++) {                                                       \
      double s = tol + tol * fabs(y[i]);                                                \
      d0 += y[i] / s * (y[i] / s), d1 += k[0][i] / s * (k[0][i] / s);                   \
    }                                                                                   \
    d0 = sqrt(d0 / N), d1 = sqrt(d1 / N);                                               \
    double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;                         \
    for (int i = 0; i < N; i++) w[i] = y[i] + h0 * k[0][i];                             \
    RHS(t + h0, w, k[1], p);                                                            \
    for (int i = 0; i < N; i++) {                                                       \
      double v = (k[1][i] - k[0][i]) / (tol + tol * fabs(y[i]));                        \
      d2 += v * v;                                                                      \
    }                                                                                   \
    d2 = sqrt(d2 / N) / h0;                                                             \
    double big = d1 > d2 ? d1 : d2, h = big > 1e-15 ? pow(0.01 / big, 0.2) : 1e-6;      \
    if (h > 100 * h0) h = 100 * h0;                                                     \
    while (t < t1) {                                                                    \
      int last = h >= (t1 - t) * (1 - 1e-10);                                           \
      double s = last ? t1 - t : h;                                                     \
      for (int j = 1; j < 7; j++) {                                                     \
        for (int i = 0; i < N; i++) {                                                   \
          double sum = 0;                                                               \
          for (int l = 0; l < j; l++) sum += A[j][l] * k[l][i];                         \
          w[i] = y[i] + s * sum;                                                        \
        }                                                                               \
        RHS(t + C[j] * s, w, k[j], p);                                                  \
      }                                                                                 \
      double err = 0;                                                                   \
      for (int i = 0; i < N; i++) {                                                     \
        double e = 0, a = fabs(y[i]), b = fabs(w[i]);                                   \
        for (int l = 0; l < 7; l++) e += E[l] * k[l][i];                                \
        e = s * e / (tol + tol * (a > b ? a : b));                                      \
        err += e * e;                                                                   \
      }                                                                                 \
      double lg = 0.5 * log(err / N), fall = -0.17 * lg;                                \
      steps++;                                                                          \
      if (err > N) {                                                                    \
        double f = 0.9 * exp(fall);                                                     \
        h = s * (f < 0.2 ? 0.2 : f > 0.9 ? 0.9 : f);                                    \
        rejected = 1;                                                                   \
        continue;                                                                       \
      }                                                                                 \
      double f = 0.9 * exp(0.04 * before + fall);                                       \
      f = f < 0.2 ? 0.2 : f > 10 ? 10 : f;                                              \
      if (rejected && f > 1) f = 1;                                                     \
      rejected = 0;                                                                     \
      before = lg < -9.210340371976182 ? -9.210340371976182 : lg;                       \
      t = last ? t1 : t + s;                                                            \
      h = s * f;                                                                        \
      memcpy(y, w, sizeof w);                                                           \
      memcpy(k[0], k[6], sizeof k[0]);                                                  \
    }                                                                                   \
    return steps;                                                                       \
  }

static inline void lotka_rhs(double t, const double *y, double *dy, const double *p) {
  dy[0] = p[0] * y[0] - p[1] * y[0] * y[1];
  dy[1] = -p[2] * y[1] + p[3] * y[0] * y[1];
}

static inline void pleiades_rhs(double t, const double *y, double *dy, const double *p) {
  for (int i = 0; i < 14; i++) dy[i] = y[14 + i], dy[14 + i] = 0;
  for (int i = 0; i < 7; i++)
    for (int j = 0; j < i; j++) {
      double dx = y[j] - y[i], dz = y[7 + j] - y[7 + i], r2 = dx * dx + dz * dz, w = 1 / (r2 * sqrt(r2));
      dy[14 + i] += (j + 1) * w * dx, dy[21 + i] += (j + 1) * w * dz;
      dy[14 + j] -= (i + 1) * w * dx, dy[21 + j] -= (i + 1) * w * dz;
    }
}

SOLVER(lotka, 2, lotka_rhs)
SOLVER(pleiades, 28, pleiades_rhs)

static int compare(const void *a, const void *b) {
  double x = *(double *)a, y = *(double *)b;
  return x < y ? -1 : x > y;
}

#define TIME(LABEL, TIMES, REPEATS, ...)                                                \
  {                                                                                     \
    double v[REPEATS], result = 0;                                                      \
    int steps = 0;                                                                      \
    for (int r = 0; r < REPEATS; r++) {                                                 \
      double start = now();                                                             \
      for (int q = 0; q < TIMES; q++) __VA_ARGS__;                                            \
      v[r] = (now() - start) / TIMES;                                                   \
    }                                                                                   \
    qsort(v, REPEATS, sizeof *v, compare);                                              \
    printf("{\"name\":\"%s\",\"ns\":%.1f,\"steps\":%d,\"result\":%.17g}\n", LABEL, v[REPEATS / 2], steps, result); \
  }

int main(void) {
  const double p[4] = {1.5, 1, 3, 1};
  TIME("lotka", 200, 31, {
    double y[2] = {1, 1};
    steps = lotka(y, 0, 10, 1e-8, p);
    result = y[0];
  })
  TIME("pleiades", 20, 31, {
    double y[28] = {3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4, 0, 0, 0, 0, 0, 1.75, -1.5, 0, 0, 0, -1.25, 1, 0, 0};
    steps = pleiades(y, 0, 3, 1e-8, p);
    result = y[0];
  })
  TIME("ensemble", 1, 7, {
    steps = 0, result = 0;
    for (int i = 0; i < 10000; i++) {
      double y[2] = {0.5 + 1.5 * (i % 100) / 100, 0.5 + 1.5 * (i / 100) / 100};
      steps += lotka(y, 0, 10, 1e-6, p);
      result += y[0];
    }
  })
  return 0;
}
