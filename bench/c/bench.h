// What every program here shares: the clock, and the line that it prints.
//
// A program defines work(), which leaves its result in the variables below.
// Further arguments are its own. It is run again and again, in batches of about a millisecond, for as many
// milliseconds as the first argument says; ns is the time of one run in the
// best batch.
#ifndef BENCH_H
#define BENCH_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long steps;         // accepted steps of one run
static double result[32];  // what it computed
static int results;        // how many numbers of it

static int arguments;      // of the program
static char **argument;

static void work(void);

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  arguments = argc, argument = argv;
  double budget = 1e6 * (argc > 1 ? atof(argv[1]) : 20.0);
  double start = now_ns();
  work(); // warms the caches, and says how long a run takes
  double once = now_ns() - start;
  long batch = once > 1e6 ? 1 : (long)(1e6 / (once + 1)) + 1;
  double best = once;
  do {
    double t0 = now_ns();
    for (long i = 0; i < batch; i++) work();
    double ns = (now_ns() - t0) / (double)batch;
    if (ns < best) best = ns;
  } while (now_ns() - start < budget);
  printf("{\"name\": \"%s\", \"ns\": %.6g, \"steps\": %ld, \"result\": [", NAME, best, steps);
  for (int i = 0; i < results; i++) printf(i ? ", %.17g" : "%.17g", result[i]);
  printf("]}\n");
  return 0;
}

#endif
