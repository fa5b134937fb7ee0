"""The Brusselator with diffusion on a square of N by N cells, periodic (bench/models/plane.node), by SciPy.

    python3 plane_scipy.py N METHOD RTOL [OUT]

Prints seconds of processor time and writes the end to OUT. DOP853 at 1e-11 is a reference.
"""
import sys
import time

import numpy as np
import scipy.sparse as sp
from scipy.integrate import solve_ivp

N, n = int(sys.argv[1]), int(sys.argv[1]) ** 2
D = sp.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(N, N)).tolil()
D[0, N - 1] = D[N - 1, 0] = 1
L = (0.1 * N**2 * (sp.kron(D, sp.eye(N)) + sp.kron(sp.eye(N), D))).tocsr()


def rate(t, z):
    u, v = z[:n], z[n:]
    r = u * u * v
    return np.concatenate([1 + r - 4.4 * u + L @ u, 3.4 * u - r + L @ v])


def jacobian(t, z):
    u, v = z[:n], z[n:]
    return sp.bmat([[L + sp.diags(2 * u * v - 4.4), sp.diags(u * u)], [sp.diags(3.4 - 2 * u * v), L - sp.diags(u * u)]], format="csc")


centres = (np.arange(N) + 0.5) / N
x, y = np.repeat(centres, N), np.tile(centres, N)
start = np.concatenate([22 * y * (1 - y) ** 1.5, 27 * x * (1 - x) ** 1.5])
method, rtol = sys.argv[2], float(sys.argv[3])
t = time.process_time()
s = solve_ivp(rate, (0, 11.5), start, method=method, rtol=rtol, atol=rtol * 1e-2, t_eval=[11.5], **({"jac": jacobian} if method in ("BDF", "Radau") else {}))
print(method, rtol, f"{time.process_time() - t:.1f} s", s.nfev, "evaluations", s.nlu, "factorisations", s.y[0, -1], s.y[n, -1])
if len(sys.argv) > 4:
    np.savetxt(sys.argv[4], s.y[:, -1], fmt="%.17g")
