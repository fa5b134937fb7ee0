"""Value and gradient of the loss of a network, done with torch.

echo SECONDS | python torch_peer.py IN,HIDDEN,OUT,ROWS,PRECISION,THREADS prints a line for each line of its input: see turns.py.
"""

import sys

import torch
import torch.nn as nn

from turns import turns

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
    return 0, [loss.item()]


turns(sys.argv[1], work)
