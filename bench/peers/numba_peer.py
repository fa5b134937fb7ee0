"""Work of the rows done with numba: loops over arrays, compiled beforehand, with the method,
the rules of step control and the tolerances of the other programs.

echo SECONDS | python numba_peer.py WORK prints a line for each line of its input: see turns.py.
"""

import math
import sys

import numpy as np
from numba import njit

from turns import turns

# Ch. Tsitouras, Comput. Math. Appl. 62(2), 770-775, 2011.
A1 = 0.161
A2 = (-0.008480655492356989, 0.335480655492357)
A3 = (2.8971530571054935, -6.359448489975075, 4.3622954328695815)
A4 = (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525)
A5 = (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383)
A6 = (0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774)
E = (-0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629,
     0.5823571654525552, -0.45808210592918697, 0.015151515151515152)
FAST = {"contract", "reassoc"}


@njit(fastmath=FAST)
def chain(y, dy, beta):
    n = y.size // 2
    for i in range(n):
        dy[i] = y[n + i]
    for i in range(1, n - 1):
        right = y[i + 1] - y[i]
        left = y[i] - y[i - 1]
        dy[n + i] = (y[i + 1] - 2 * y[i] + y[i - 1]) + beta * (right * right * right - left * left * left)
    right = y[1] - y[0]
    left = y[n - 1] - y[n - 2]
    dy[n] = (y[1] - 2 * y[0]) + beta * (right * right * right - y[0] * y[0] * y[0])
    dy[2 * n - 1] = (y[n - 2] - 2 * y[n - 1]) - beta * (y[n - 1] * y[n - 1] * y[n - 1] + left * left * left)


@njit(fastmath=FAST)
def norm(v, y, tol):
    s = 0.0
    for i in range(y.size):
        w = v[i] / (tol + tol * abs(y[i]))
        s += w * w
    return math.sqrt(s / y.size)


@njit(fastmath=FAST)
def solve(y, until, tol, beta):
    n = y.size
    k0, k1, k2, k3 = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    k4, k5, k6, z = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    chain(y, k0, beta)
    d0, d1 = norm(y, y, tol), norm(k0, y, tol)
    h0 = min(1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1, until)
    for i in range(n):
        z[i] = y[i] + h0 * k0[i]
    chain(z, k1, beta)
    for i in range(n):
        k1[i] -= k0[i]
    h = min(100 * h0, (0.01 / max(d1, norm(k1, y, tol) / h0)) ** 0.2, until)
    t, steps, before, rejected = 0.0, 0, math.log(1e-4), False
    while True:
        last = h >= (until - t) * (1 - 1e-10)
        if last:
            h = until - t
        for i in range(n):
            z[i] = y[i] + h * (A1 * k0[i])
        chain(z, k1, beta)
        for i in range(n):
            z[i] = y[i] + h * (A2[0] * k0[i] + A2[1] * k1[i])
        chain(z, k2, beta)
        for i in range(n):
            z[i] = y[i] + h * (A3[0] * k0[i] + A3[1] * k1[i] + A3[2] * k2[i])
        chain(z, k3, beta)
        for i in range(n):
            z[i] = y[i] + h * (A4[0] * k0[i] + A4[1] * k1[i] + A4[2] * k2[i] + A4[3] * k3[i])
        chain(z, k4, beta)
        for i in range(n):
            z[i] = y[i] + h * (A5[0] * k0[i] + A5[1] * k1[i] + A5[2] * k2[i] + A5[3] * k3[i] + A5[4] * k4[i])
        chain(z, k5, beta)
        for i in range(n):
            z[i] = y[i] + h * (A6[0] * k0[i] + A6[1] * k1[i] + A6[2] * k2[i] + A6[3] * k3[i] + A6[4] * k4[i] + A6[5] * k5[i])
        chain(z, k6, beta)
        s = 0.0
        for i in range(n):
            e = E[0] * k0[i] + E[1] * k1[i] + E[2] * k2[i] + E[3] * k3[i] + E[4] * k4[i] + E[5] * k5[i] + E[6] * k6[i]
            w = h * e / (tol + tol * max(abs(y[i]), abs(z[i])))
            s += w * w
        log = 0.5 * math.log(s / n)
        if not s <= n:
            h *= max(0.2, min(0.9, 0.9 * math.exp(-0.17 * log)))
            rejected = True
            continue
        f = min(max(0.9 * math.exp(0.04 * before - 0.17 * log), 0.2), 1.0 if rejected else 10.0)
        rejected, before, steps, t = False, max(log, math.log(1e-4)), steps + 1, t + h
        h *= f
        y, z, k0, k6 = z, y, k6, k0
        if last:
            return steps, y


def work_of(masses):
    i = np.arange(1, masses + 1)
    y0 = np.concatenate([np.sin((i * i % 1000).astype(float)), np.zeros(masses)])

    def work():
        steps, y = solve(y0.copy(), 5.0, 1e-6, 0.7)
        return steps, [y[0], y[masses // 2]]

    return work


turns(sys.argv[1], work_of(int(sys.argv[1].split("_")[1])))  # chain_MASSES
