"""scipy_fits.py DIR [NAME …]

Fits those problems of bench/fits that have no network, as one would write it by hand with SciPy: single shooting,
residuals over the noise, scaled, logarithms of positive parameters (logits where there are two ends), least_squares by its
default method, solve_ivp with LSODA at 1e-8, differences over 1e-5, from the start values of the model file. DIR has NAME/data.csv as
PINODE_TABLES=DIR go test ./bench/fits -run TestTables writes them. Prints a line a problem: χ² per value, the time,
and which parameters are off by more than 20 %. After a minute of CPU it ends with the best so far.
"""
import csv, math, signal, sys, time
from collections import defaultdict
import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares


def rows_of(path, held):
    groups = defaultdict(list)
    for r in csv.DictReader(open(path)):
        r = {k: float(v) if v else math.nan for k, v in r.items()}
        key = next(iter(r.values()))
        if not held(r):
            groups[key].append(r)
    return list(groups.values())


def column(rows, name, scale=1.0, shift=0.0):
    return np.array([r[name] for r in rows]) * scale + shift


def solve(f, y0, t0, times, breaks=()):
    """States at times; breaks are (time, jump(y) or None), in order, before what is read at that time."""
    y, now, out = np.array(y0, float), t0, np.full((len(times), len(y0)), np.nan)
    edges = [(b, j) for b, j in breaks if b <= times[-1]] + [(times[-1] + 1e-9, None)]
    for end, jump in edges:
        inside = [i for i, t in enumerate(times) if now <= t < end]
        if end > now:
            at = sorted({times[i] for i in inside} | {end})
            s = solve_ivp(f, (now, end), y, t_eval=at, method="LSODA", rtol=1e-8, atol=1e-10)
            if s.status != 0:
                raise ArithmeticError(s.message)
            where = {t: k for k, t in enumerate(at)}
            for i in inside:
                out[i] = s.y[:, where[times[i]]]
            y, now = s.y[:, -1], end
        if jump:
            y = jump(y)
    return out


def changes(t, v):
    return [(t[i], None) for i in range(1, len(t)) if v[i] != v[i - 1]]


def hold(t, v):
    return lambda at: v[max(0, np.searchsorted(t, at, side="right") - 1)]


def tank(p, rows):
    UA, loss, C = p
    t = column(rows, "t_h", 60)
    power, room, start = column(rows, "P_W", 1e-3), column(rows, "room_K"), rows[0]["start_K"]
    now = hold(t, power)
    f = lambda m, y: [(now(m) - UA * (y[0] - y[1]) - loss * (y[0] - np.interp(m, t, room))) / C * 60, UA * (y[0] - y[1]) / (12 * 4.186) * 60]
    y = solve(f, [start, start], 0, t, changes(t, power))
    return (y[:, 1] - column(rows, "water_K")) / 0.15


def lagged(p, rows):
    lag, ka, CL, V, Q, Vt, F = p
    t, w = column(rows, "min", 1 / 60), rows[0]["kg"]

    def f(_, y):
        c = y[1] / (V * w)
        flow = Q * (c - y[2] / Vt)
        return [-ka * y[0], ka * y[0] - CL * (w / 70) ** 0.75 * c - flow, flow]

    breaks = []
    for r in rows:
        if r["oral_mg"] > 0:
            breaks.append((r["min"] / 60 + lag, lambda y, d=r["oral_mg"]: y + np.array([F * d, 0, 0])))
        if r["iv_mg"] > 0:
            breaks.append((r["min"] / 60, lambda y, d=r["iv_mg"]: y + np.array([0, d, 0])))
    y = solve(f, [0, 0, 0], 0, t, sorted(breaks, key=lambda b: b[0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isnan(column(rows, "ng_mL")), np.nan, (np.log(np.maximum(y[:, 1] / (V * w), 1e-9)) - np.log(column(rows, "ng_mL", 1e-3))) / 0.1)


def reporting(p, rows, towns=(1, 2, 3, 4, 5)):
    contacts, left, infectious, share = p[:4]
    seeds = p[4 + towns.index(int(rows[0]["town"]))]
    t, N, closed = column(rows, "day"), rows[0]["people"], rows[0]["closed"]
    rate = lambda d: contacts * (left if d >= closed else 1)
    f = lambda d, y: [-rate(d) * y[0] * y[1] / N, rate(d) * y[0] * y[1] / N - y[1] / infectious]
    y = solve(f, [N - seeds, seeds], 0, t, [(closed, None)])
    mean = share * np.array([rate(d) for d in t]) * y[:, 0] * y[:, 1] / N
    return 2 * np.sqrt(np.maximum(mean, 0) + 0.375) - 2 * np.sqrt(column(rows, "reports") + 0.375)


def inhibition(p, rows):
    Vmax, Km, Kc, Ku, Kp = p
    t, S0, I0 = column(rows, "t_s", 1 / 60), rows[0]["S_uM"] / 1000, rows[0]["I_nM"] / 1000
    f = lambda _, y: [-Vmax * y[0] / (Km * (1 + I0 / Kc + (S0 - y[0]) / Kp) + y[0] * (1 + I0 / Ku))]
    y = solve(f, [S0], 0, t)
    return (S0 - y[:, 0] - column(rows, "P_uM", 1e-3)) / 0.02


def seasons(p, rows):
    birth, swing, peak, hunger, half, gain, death = p[:7]
    room = p[7 + int(rows[0]["valley"]) - 1]
    t = column(rows, "week", 7 / 365.25)

    def f(yr, y):
        taken = hunger * y[0] * y[1] / (half + y[0])
        return [birth * (1 + swing * math.cos(2 * math.pi * (yr - peak))) * y[0] * (1 - y[0] / room) - taken, gain * taken - death * y[1]]

    y = np.log(np.maximum(solve(f, [rows[0]["x0"], rows[0]["y0"]], 0, t), 1e-9))
    return np.concatenate([(y[:, 0] - np.log(column(rows, "hares"))) / 0.08, (y[:, 1] - np.log(column(rows, "lynxes"))) / 0.08])


def neuron(p, rows):
    gain, a, b, tau, w0 = p
    t, current = column(rows, "t_s", 1000), column(rows, "I_pA", 1e-3)
    now = hold(t, current)
    f = lambda m, y: [y[0] - y[0] ** 3 / 3 - y[1] + gain * now(m), (y[0] + a - b * y[1]) / tau]
    y = solve(f, [-1.2, w0], 0, t, changes(t, current))
    return (y[:, 0] - column(rows, "v")) / 0.1


def loop(p, rows):
    s, r, b = p
    t = column(rows, "t_s", 1 / 60)
    f = lambda _, y: [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]]
    y = solve(f, [rows[0]["x0"], rows[0]["y0"], rows[0]["z0"]], 0, t)
    return np.concatenate([(y[:, 0] - column(rows, "speed")) / 0.5, (y[:, 2] - column(rows, "lift")) / 0.5])


inf = math.inf
LIMIT = 60  # seconds of CPU for a problem
# residuals, key of what is held back, parameters: name, start, truth, ends
problems = {
    "tank": (tank, lambda r: r["day"] == 3, [("UA", 0.5, 0.12, 0, inf), ("loss", 0.005, 0.018, 0, inf), ("C", 10, 28, 0, inf)]),
    "neuron": (neuron, lambda r: r["sweep"] == 4, [("gain", 0.4, 1, 0, inf), ("a", 0.3, 0.7, 0, 2), ("b", 1.4, 0.8, 0, 2), ("tau", 30, 12.5, 0, inf), ("w0", 0, -0.62, -2, 2)]),
    "loop": (loop, lambda r: r["run"] == 4, [("s", 5, 10, 0, inf), ("r", 18, 28, 0, inf), ("b", 1.5, 8 / 3, 0, inf)]),
    "lagged": (lagged, lambda r: r["id"] == 9, [("lag", 1.5, 0.6, 0, 5), ("ka", 0.4, 1.3, 0, inf), ("CL", 10, 4.2, 0, inf), ("V", 0.2, 0.55, 0, inf), ("Q", 1, 6, 0, inf), ("Vt", 100, 40, 0, inf), ("F", 0.5, 0.8, 0, 1)]),
    "reporting": (reporting, lambda r: r["town"] == 5 and r["day"] > 14, [("contacts", 0.8, 0.42, 0, inf), ("left", 0.5, 0.62, 0, 1), ("infectious", 12, 5, 0, 30), ("share", 0.5, 0.22, 0, 1)] + [("seeds%d" % k, 10, s, 0, inf) for k, s in enumerate([60, 25, 150, 40, 90], 1)]),
    "inhibition": (inhibition, lambda r: r["well"] >= 12, [("Vmax", 0.05, 0.2, 0, inf), ("Km", 3, 0.8, 0, inf), ("Kc", 100, 12, 0, inf), ("Ku", 10, 60, 0, inf), ("Kp", 20, 2.5, 0, inf)]),
    "seasons": (seasons, lambda r: r["block"] == 2, [("birth", 2.5, 1.4, 0, inf), ("swing", 0.3, 0.7, 0, 1), ("peak", 0.5, 0.3, 0, 1), ("hunger", 40, 20, 0, inf), ("half", 80, 50, 0, inf), ("gain", 0.01, 0.05, 0, inf), ("death", 0.3, 0.6, 0, inf), ("room1", 300, 160, 0, inf), ("room2", 300, 210, 0, inf)]),
}


def to(v, lo, hi):
    return math.log(v - lo) if hi == inf else math.log((v - lo) / (hi - v))


def back(u, lo, hi):
    return lo + math.exp(min(u, 300)) if hi == inf else lo + (hi - lo) / (1 + math.exp(-u))


def fit(name, path):
    residuals, held, params = problems[name]
    groups = rows_of(path, held)
    natural = lambda u: [back(v, p[3], p[4]) for v, p in zip(u, params)]

    def r(u):
        with np.errstate(all="ignore"):
            out = []
            for g in groups:
                try:
                    v = np.asarray(residuals(natural(u), g), float)
                except (ArithmeticError, ValueError, OverflowError):
                    v = np.full(n_of[id(g)], 1e6) if id(g) in n_of else None
                    if v is None:
                        raise
                    out.append(v)
                    continue
                seen = v[seen_of.setdefault(id(g), ~np.isnan(v))]
                n_of[id(g)] = len(seen)
                out.append(np.nan_to_num(seen, nan=1e6, posinf=1e6, neginf=-1e6))
            out = np.concatenate(out)
            if float(out @ out) < best[0]:
                best[:] = [float(out @ out), len(out), natural(u)]
            evaluations[0] += 1
            return out

    best, evaluations = [math.inf, 1, [p[1] for p in params]], [0]
    n_of, seen_of = {}, {}
    began, cpu = time.time(), time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        least_squares(r, [to(p[1], p[3], p[4]) for p in params], max_nfev=300, diff_step=1e-5, x_scale="jac")
        ended = ""
    except TimeoutError:
        ended = "cut off; "
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    took, used = time.time() - began, time.process_time() - cpu
    square, n, values = best
    off = ["%s %.3g for %.3g" % (p[0], v, p[2]) for p, v in zip(params, values) if abs(v - p[2]) > 0.2 * abs(p[2])]
    chi = square / n
    good = not off and chi <= 1 + 4 * math.sqrt(2 / n)
    print("%-11s %s  χ² %.3g per value (%d), %.1f s of CPU (%.1f s), %d evaluations  %s" % (name, "found" if good else "MISSED", chi, n, used, took, evaluations[0], ended + "; ".join(off)), flush=True)


def cut_off(*_):
    raise TimeoutError


if __name__ == "__main__":
    signal.signal(signal.SIGVTALRM, cut_off)
    for name in sys.argv[2:] or problems:
        fit(name, "%s/%s/data.csv" % (sys.argv[1], name))
