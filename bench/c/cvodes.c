// The gradient of lotka.c with -DGRADIENT by CVODES of SUNDIALS: its
// continuous adjoint, solved backwards along checkpoints, with quadratures for
// the parameters. All tolerances are 1e-8.
#include <cvodes/cvodes.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_version.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#define NAME "cvodes_lotka"
#include "bench.h"

static const double p[4] = {1.5, 1, 3, 1};

static int rhs(sunrealtype t, N_Vector yv, N_Vector dv, void *data) {
  (void)t;
  (void)data;
  double *y = N_VGetArrayPointer(yv), *dy = N_VGetArrayPointer(dv);
  dy[0] = p[0] * y[0] - p[1] * y[0] * y[1];
  dy[1] = p[3] * y[0] * y[1] - p[2] * y[1];
  return 0;
}

// adjoint is l' = -(df/dy)^T l.
static int adjoint(sunrealtype t, N_Vector yv, N_Vector lv, N_Vector dv, void *data) {
  (void)t;
  (void)data;
  double *y = N_VGetArrayPointer(yv), *l = N_VGetArrayPointer(lv), *d = N_VGetArrayPointer(dv);
  d[0] = -((p[0] - p[1] * y[1]) * l[0] + p[3] * y[1] * l[1]);
  d[1] = -(-p[1] * y[0] * l[0] + (p[3] * y[0] - p[2]) * l[1]);
  return 0;
}

// parameters is the integrand (df/dp)^T l; backwards in time it has a minus.
static int parameters(sunrealtype t, N_Vector yv, N_Vector lv, N_Vector qv, void *data) {
  (void)t;
  (void)data;
  double *y = N_VGetArrayPointer(yv), *l = N_VGetArrayPointer(lv), *q = N_VGetArrayPointer(qv);
  double xy = y[0] * y[1];
  q[0] = -y[0] * l[0];
  q[1] = xy * l[0];
  q[2] = y[1] * l[1];
  q[3] = -xy * l[1];
  return 0;
}

static void need(int flag, const char *what) {
  if (flag >= 0) return;
  fprintf(stderr, "CVODES: %s failed with %d\n", what, flag);
  exit(1);
}

static void work(void) {
  const double tol = 1e-8, end = 10;
  SUNContext ctx;
#if SUNDIALS_VERSION_MAJOR >= 7
  need(-(SUNContext_Create(SUN_COMM_NULL, &ctx) != 0), "SUNContext_Create");
#else
  need(-(SUNContext_Create(NULL, &ctx) != 0), "SUNContext_Create");
#endif
  N_Vector y = N_VNew_Serial(2, ctx), l = N_VNew_Serial(2, ctx), q = N_VNew_Serial(4, ctx);
  double *ya = N_VGetArrayPointer(y), *la = N_VGetArrayPointer(l);
  ya[0] = ya[1] = 1;
  void *cv = CVodeCreate(CV_ADAMS, ctx);
  need(CVodeInit(cv, rhs, 0, y), "CVodeInit");
  need(CVodeSStolerances(cv, tol, tol), "CVodeSStolerances");
  need(CVodeSetMaxNumSteps(cv, 1000000), "CVodeSetMaxNumSteps");
  SUNNonlinearSolver forth = SUNNonlinSol_FixedPoint(y, 0, ctx), back = SUNNonlinSol_FixedPoint(l, 0, ctx);
  need(CVodeSetNonlinearSolver(cv, forth), "CVodeSetNonlinearSolver");
  need(CVodeAdjInit(cv, 1000, CV_POLYNOMIAL), "CVodeAdjInit");
  need(CVodeSetStopTime(cv, end), "CVodeSetStopTime");
  sunrealtype t;
  int checkpoints, which;
  need(CVodeF(cv, end, y, &t, CV_NORMAL, &checkpoints), "CVodeF");
  CVodeGetNumSteps(cv, &steps);
  result[0] = ya[0];
  result[1] = ya[1];
  la[0] = (ya[0] - 1) / 2;
  la[1] = (ya[1] - 1) / 2;
  N_VConst(0, q);
  need(CVodeCreateB(cv, CV_ADAMS, &which), "CVodeCreateB");
  need(CVodeInitB(cv, which, adjoint, end, l), "CVodeInitB");
  need(CVodeSStolerancesB(cv, which, tol, tol), "CVodeSStolerancesB");
  need(CVodeSetMaxNumStepsB(cv, which, 1000000), "CVodeSetMaxNumStepsB");
  need(CVodeSetNonlinearSolverB(cv, which, back), "CVodeSetNonlinearSolverB");
  need(CVodeQuadInitB(cv, which, parameters, q), "CVodeQuadInitB");
  need(CVodeQuadSStolerancesB(cv, which, tol, tol), "CVodeQuadSStolerancesB");
  need(CVodeSetQuadErrConB(cv, which, 1), "CVodeSetQuadErrConB");
  need(CVodeB(cv, 0, CV_NORMAL), "CVodeB");
  need(CVodeGetB(cv, which, &t, l), "CVodeGetB");
  need(CVodeGetQuadB(cv, which, &t, q), "CVodeGetQuadB");
  for (int i = 0; i < 4; i++) result[2 + i] = N_VGetArrayPointer(q)[i];
  results = 6;
  CVodeFree(&cv);
  SUNNonlinSolFree(forth);
  SUNNonlinSolFree(back);
  N_VDestroy(y);
  N_VDestroy(l);
  N_VDestroy(q);
  SUNContext_Free(&ctx);
}
