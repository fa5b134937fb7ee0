"""Work of the rows done with torch and torchdiffeq, on one thread.

echo SECONDS | python torchdiffeq_peer.py WORK prints a line for each line of its input: see turns.py.
"""

import sys

import torch
import torch.nn as nn
from torchdiffeq import odeint, odeint_adjoint, odeint_event

from turns import turns

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(1)


def network(*widths):
    layers = []
    for i, (m, n) in enumerate(zip(widths, widths[1:])):
        layers += [nn.Linear(m, n)] + ([nn.Tanh()] if i + 2 < len(widths) else [])
    return nn.Sequential(*layers)


def network_batch(size):
    net = network(2, 50, 50, 2)
    x, want = torch.randn(size, 2), torch.randn(size, 2)

    def work():
        net.zero_grad(set_to_none=True)
        loss = ((net(x) - want) ** 2).mean()
        loss.backward()
        return [loss.item()]

    return work


def ensemble():
    at = 0.5 + 0.015 * torch.arange(100)
    y0 = torch.cartesian_prod(at, at)

    def field(_, y):
        x, z = y[:, 0], y[:, 1]
        return torch.stack([1.5 * x - x * z, x * z - 3 * z], 1)

    def work():
        with torch.no_grad():
            y = odeint(field, y0, torch.tensor([0.0, 10.0]), rtol=1e-6, atol=1e-6, method="dopri5")
        return y[-1].sum(0).tolist()

    return work


def ode_demo(solve):
    """An iteration of the example ode_demo.py: 20 pieces of ten points."""
    a = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    t = torch.linspace(0.0, 25.0, 1000)
    with torch.no_grad():
        path = odeint(lambda _, y: y**3 @ a, torch.tensor([[2.0, 0.0]]), t, method="dopri5")
    net = network(2, 50, 2)
    for m in net:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.1)
            nn.init.zeros_(m.bias)

    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, _, y):
            return self.net(y**3)

    field = Field()
    opt = torch.optim.RMSprop(field.parameters(), lr=1e-3)
    first = torch.randperm(990)[:20]
    y0, want = path[first], torch.stack([path[first + i] for i in range(10)])

    def work():
        opt.zero_grad()
        loss = (solve(field, y0, t[:10], rtol=1e-7, atol=1e-9) - want).abs().mean()
        loss.backward()
        opt.step()
        return [loss.item()]

    return work


def spiral():
    """300 epochs of a 2-100-100-2 network with 49 steps of Euler's method."""
    t = torch.linspace(0, 1, 50)
    r = 2 * torch.exp(-t)
    want = torch.stack([r * torch.cos(4 * torch.pi * t), -r * torch.sin(4 * torch.pi * t)], 1)

    def work():
        net = nn.Sequential(nn.Linear(2, 100), nn.ELU(), nn.Linear(100, 100), nn.ELU(), nn.Linear(100, 2))
        opt = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(300):
            opt.zero_grad()
            loss = ((odeint(lambda _, y: net(y), want[0], t, method="euler") - want) ** 2).mean()
            loss.backward()
            opt.step()
        return [loss.item()]

    return work


def bounces():
    """Five bounces of a ball, its height at t = 2.7 and the gradient of that."""

    def work():
        g, e, h0 = (torch.tensor(v, requires_grad=True) for v in (9.81, 0.8, 1.0))

        def field(_, y):
            return torch.stack([y[1], -g])

        t, y = torch.zeros(()), torch.stack([h0, torch.zeros(())])
        for _ in range(5):
            t, path = odeint_event(field, y, t, event_fn=lambda _, y: y[0], rtol=1e-8, atol=1e-8)
            # off the table by a little, so that it is not found again at once
            y = torch.stack([path[-1][0].abs() + 1e-7, -e * path[-1][1]])
        h = odeint(field, y, torch.stack([t, torch.tensor(2.7)]), rtol=1e-8, atol=1e-8)[-1][0]
        h.backward()
        return [h.item(), g.grad.item(), e.grad.item(), h0.grad.item()]

    return work


WORKS = {
    "network_1": lambda: network_batch(1),
    "network_32": lambda: network_batch(32),
    "network_256": lambda: network_batch(256),
    "ensemble": ensemble,
    "ode_demo": lambda: ode_demo(odeint),
    "ode_demo_adjoint": lambda: ode_demo(odeint_adjoint),
    "spiral": spiral,
    "bounces": bounces,
}


work = WORKS[sys.argv[1]]()
turns(sys.argv[1], lambda: (0, work()))
