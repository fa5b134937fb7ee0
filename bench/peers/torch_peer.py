"""Value and gradient of the loss of a network, done with torch.

python torch_peer.py IN,HIDDEN,OUT,ROWS,PRECISION,THREADS prints one line: name,
ns of one run (the best of several), steps (none: 0) and the loss.
"""

import json
import sys
import time

import torch
import torch.nn as nn

*sizes, precision, threads = sys.argv[1].split(",")
inputs, hidden, outputs, rows = map(int, sizes)
torch.set_num_threads(int(threads))
torch.set_default_dtype({"f64": torch.float64, "f32": torch.float32}[precision])
torch.manual_seed(1)

net = nn.Sequential(
    nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, outputs)
)
x, want = torch.randn(rows, inputs), torch.randn(rows, outputs)


def work():
    net.zero_grad(set_to_none=True)
    loss = ((net(x) - want) ** 2).mean()
    loss.backward()
    return [loss.item()]


best, start = float("inf"), time.perf_counter()
while time.perf_counter() - start < 3:
    t0 = time.perf_counter()
    result = work()
    best = min(best, time.perf_counter() - t0)
print(json.dumps({"name": sys.argv[1], "ns": best * 1e9, "steps": 0, "result": result}))
