"""Work of the rows done with JAX and diffrax, on the CPU, compiled beforehand.

echo SECONDS | python diffrax_peer.py WORK prints a line for each line of its input: see turns.py.
"""

import os
import sys

# One thread, like the other baselines; it has to be asked for before the import.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import diffrax
import jax
import jax.numpy as jnp

from turns import turns

jax.config.update("jax_enable_x64", True)


def field(_, y, p):
    return jnp.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])


def solve(y0, p, tol):
    s = diffrax.diffeqsolve(
        diffrax.ODETerm(field), diffrax.Tsit5(), t0=0.0, t1=10.0, dt0=None, y0=y0, args=p,
        stepsize_controller=diffrax.PIDController(rtol=tol, atol=tol), max_steps=4096,
    )
    return s.ys[-1], s.stats["num_accepted_steps"]


P = jnp.array([1.5, 1.0, 3.0, 1.0])


def ensemble():
    at = 0.5 + 0.015 * jnp.arange(100)
    y0 = jnp.stack(jnp.meshgrid(at, at, indexing="ij"), -1).reshape(-1, 2)
    run = jax.jit(lambda y0: jax.vmap(lambda y: solve(y, P, 1e-6))(y0))

    def work():
        y, steps = jax.block_until_ready(run(y0))
        return int(steps.sum()), y.sum(0).tolist()

    return work


def lotka():
    run = jax.jit(lambda y: solve(y, P, 1e-8))
    y0 = jnp.ones(2)

    def work():
        y, steps = jax.block_until_ready(run(y0))
        return int(steps), y.tolist()

    return work


WORKS = {"ensemble": ensemble, "lotka": lotka}


turns(sys.argv[1], WORKS[sys.argv[1]]())
