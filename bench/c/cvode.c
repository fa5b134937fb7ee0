// Problems solved with CVODE of SUNDIALS: by Adams' methods with functional
// iteration where they are not stiff (-DLOTKA, -DPLEIADES), else by BDF with
// Newton's iteration and a dense Jacobian from differences (-DROBER, -DVDPOL,
// -DHIRES, -DPOLLU). -DTOL sets both tolerances; the second and third arguments are
// others, relative and absolute.
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_version.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#ifndef TOL
#define TOL 1e-8
#endif

#if defined LOTKA || defined PLEIADES
#define ADAMS
#endif

#if defined LOTKA
#define NAME "cvode_lotka"
#define DIM 2
#define END 10
static const double initial[DIM] = {1, 1};
static void field(const double *y, double *dy) {
  dy[0] = 1.5 * y[0] - y[0] * y[1];
  dy[1] = y[0] * y[1] - 3 * y[1];
}
#elif defined PLEIADES
#define NAME "cvode_pleiades"
#define DIM 28
#define END 3
#include <math.h>
static const double initial[DIM] = {3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4, 0, 0, 0, 0, 0, 1.75, -1.5, 0, 0, 0, -1.25, 1, 0, 0};
static void field(const double *y, double *dy) {
  double ax[7] = {0}, ay[7] = {0};
  for (int i = 0; i < 7; i++)
    for (int j = i + 1; j < 7; j++) {
      double dx = y[j] - y[i], dz = y[7 + j] - y[7 + i];
      double r2 = dx * dx + dz * dz, w = 1 / (r2 * sqrt(r2));
      ax[i] += (j + 1) * w * dx;
      ay[i] += (j + 1) * w * dz;
      ax[j] -= (i + 1) * w * dx;
      ay[j] -= (i + 1) * w * dz;
    }
  for (int i = 0; i < 7; i++) {
    dy[i] = y[14 + i];
    dy[7 + i] = y[21 + i];
    dy[14 + i] = ax[i];
    dy[21 + i] = ay[i];
  }
}
#elif defined ROBER
#define NAME "cvode_rober"
#define DIM 3
#define END 1e5
static const double initial[DIM] = {1, 0, 0};
static void field(const double *y, double *dy) {
  double a = 0.04 * y[0], b = 1e4 * y[1] * y[2], c = 3e7 * y[1] * y[1];
  dy[0] = b - a;
  dy[1] = a - b - c;
  dy[2] = c;
}
#elif defined VDPOL
#define NAME "cvode_vdpol"
#define DIM 2
#define END 3000
static const double initial[DIM] = {2, 0};
static void field(const double *y, double *dy) {
  dy[0] = y[1];
  dy[1] = 1000 * (1 - y[0] * y[0]) * y[1] - y[0];
}
#elif defined HIRES
#define NAME "cvode_hires"
#define DIM 8
#define END 321.8122
static const double initial[DIM] = {1, 0, 0, 0, 0, 0, 0, 0.0057};
static void field(const double *y, double *dy) {
  double r = 280 * y[5] * y[7];
  dy[0] = -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007;
  dy[1] = 1.71 * y[0] - 8.75 * y[1];
  dy[2] = -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4];
  dy[3] = 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3];
  dy[4] = -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6];
  dy[5] = -r + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6];
  dy[6] = r - 1.81 * y[6];
  dy[7] = -r + 1.81 * y[6];
}
#elif defined POLLU
#define NAME "cvode_pollu"
#define DIM 20
#define END 60
static const double initial[DIM] = {[1] = 0.2, [3] = 0.04, [6] = 0.1, [7] = 0.3, [8] = 0.01, [16] = 0.007};
static void field(const double *y, double *dy) {
  double r1 = 0.35 * y[0], r2 = 26.6 * y[1] * y[3], r3 = 1.23e4 * y[4] * y[1];
  double r4 = 8.6e-4 * y[6], r5 = 8.2e-4 * y[6], r6 = 1.5e4 * y[6] * y[5];
  double r7 = 1.3e-4 * y[8], r8 = 2.4e4 * y[8] * y[5], r9 = 1.65e4 * y[10] * y[1];
  double r10 = 9e3 * y[10] * y[0], r11 = 0.022 * y[12], r12 = 1.2e4 * y[9] * y[1];
  double r13 = 1.88 * y[13], r14 = 1.63e4 * y[0] * y[5], r15 = 4.8e6 * y[2];
  double r16 = 3.5e-4 * y[3], r17 = 0.0175 * y[3], r18 = 1e8 * y[15];
  double r19 = 4.44e11 * y[15], r20 = 1.24e3 * y[16] * y[5], r21 = 2.1 * y[18];
  double r22 = 5.78 * y[18], r23 = 0.0474 * y[0] * y[3], r24 = 1.78e3 * y[18] * y[0];
  double r25 = 3.12 * y[19];
  dy[0] = -(r1 + r10 + r14 + r23 + r24) + r2 + r3 + r9 + r11 + r12 + r22 + r25;
  dy[1] = -(r2 + r3 + r9 + r12) + r1 + r21;
  dy[2] = -r15 + r1 + r17 + r19 + r22;
  dy[3] = -(r2 + r16 + r17 + r23) + r15;
  dy[4] = -r3 + 2 * r4 + r6 + r7 + r13 + r20;
  dy[5] = -(r6 + r8 + r14 + r20) + r3 + 2 * r18;
  dy[6] = -(r4 + r5 + r6) + r13;
  dy[7] = r4 + r5 + r6 + r7;
  dy[8] = -(r7 + r8);
  dy[9] = -r12 + r7 + r9;
  dy[10] = -(r9 + r10) + r8 + r11;
  dy[11] = r9;
  dy[12] = -r11 + r10;
  dy[13] = -r13 + r12;
  dy[14] = r14;
  dy[15] = -(r18 + r19) + r16;
  dy[16] = -r20;
  dy[17] = r20;
  dy[18] = -(r21 + r22 + r24) + r23 + r25;
  dy[19] = -r25 + r24;
}
#endif

#include "bench.h"

static int rhs(sunrealtype t, N_Vector y, N_Vector dy, void *data) {
  (void)t;
  (void)data;
  field(N_VGetArrayPointer(y), N_VGetArrayPointer(dy));
  return 0;
}

static void need(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "CVODE: %s failed\n", what);
  exit(1);
}

static void work(void) {
  SUNContext ctx;
#if SUNDIALS_VERSION_MAJOR >= 7
  need(SUNContext_Create(SUN_COMM_NULL, &ctx) == 0, "SUNContext_Create");
#else
  need(SUNContext_Create(NULL, &ctx) == 0, "SUNContext_Create");
#endif
  N_Vector y = N_VNew_Serial(DIM, ctx);
  for (int i = 0; i < DIM; i++) N_VGetArrayPointer(y)[i] = initial[i];
#ifdef ADAMS
  void *cv = CVodeCreate(CV_ADAMS, ctx);
#else
  void *cv = CVodeCreate(CV_BDF, ctx);
#endif
  need(CVodeInit(cv, rhs, 0, y) == 0, "CVodeInit");
  need(CVodeSStolerances(cv, arguments > 3 ? atof(argument[2]) : TOL, arguments > 3 ? atof(argument[3]) : TOL) == 0, "CVodeSStolerances");
  need(CVodeSetMaxNumSteps(cv, 1000000) == 0, "CVodeSetMaxNumSteps");
#ifdef ADAMS
  SUNNonlinearSolver nls = SUNNonlinSol_FixedPoint(y, 0, ctx);
  need(CVodeSetNonlinearSolver(cv, nls) == 0, "CVodeSetNonlinearSolver");
#else
  SUNMatrix a = SUNDenseMatrix(DIM, DIM, ctx);
  SUNLinearSolver ls = SUNLinSol_Dense(y, a, ctx);
  need(CVodeSetLinearSolver(cv, ls, a) == 0, "CVodeSetLinearSolver");
#endif
  sunrealtype t;
  need(CVodeSetStopTime(cv, END) == 0, "CVodeSetStopTime");
  need(CVode(cv, END, y, &t, CV_NORMAL) >= 0, "CVode");
  CVodeGetNumSteps(cv, &steps);
  results = DIM;
  for (int i = 0; i < DIM; i++) result[i] = N_VGetArrayPointer(y)[i];
  CVodeFree(&cv);
#ifdef ADAMS
  SUNNonlinSolFree(nls);
#else
  SUNLinSolFree(ls);
  SUNMatDestroy(a);
#endif
  N_VDestroy(y);
  SUNContext_Free(&ctx);
}
