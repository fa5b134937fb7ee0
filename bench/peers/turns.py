"""How the scripts beside this one are measured: turn by turn, so that others can work between."""

import json
import sys
import time


def turns(name, work):
    """Works for as many seconds as each line of the input says, and once more at least, and prints
    a line: the name, ns of one run (the best of the turn), and what the work returns: its steps
    (0: not told) and a result by which runs can be compared. The first run is not counted: it
    compiles.
    """
    work()
    for line in sys.stdin:
        best, start = float("inf"), time.perf_counter()
        while True:
            t0 = time.perf_counter()
            steps, result = work()
            now = time.perf_counter()
            best = min(best, now - t0)
            if now - start > float(line):
                break
        print(json.dumps({"name": name, "ns": best * 1e9, "steps": steps, "result": result}), flush=True)
