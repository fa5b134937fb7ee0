"""Value and gradient of the loss of a network, done with JAX, compiled beforehand.

echo SECONDS | python jax_peer.py IN,HIDDEN,OUT,ROWS,PRECISION,THREADS prints a line for each line of its input: see turns.py.
"""

import os
import sys

*sizes, precision, threads = sys.argv[1].split(",")
inputs, hidden, outputs, rows = map(int, sizes)
if threads == "1":  # it has to be asked for before the import
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp

from turns import turns

jax.config.update("jax_enable_x64", precision == "f64")
dtype = {"f64": jnp.float64, "f32": jnp.float32}[precision]

key = jax.random.key(1)
widths = [inputs, hidden, hidden, outputs]
weights = [
    (jax.random.normal(jax.random.fold_in(key, i), (m, n), dtype) / m**0.5, jnp.zeros(n, dtype))
    for i, (m, n) in enumerate(zip(widths, widths[1:]))
]
x = jax.random.normal(jax.random.fold_in(key, 7), (rows, inputs), dtype)
want = jax.random.normal(jax.random.fold_in(key, 8), (rows, outputs), dtype)


def loss(weights):
    z = x
    for w, b in weights[:-1]:
        z = jnp.tanh(z @ w + b)
    w, b = weights[-1]
    return ((z @ w + b - want) ** 2).mean()


gradient = jax.jit(jax.value_and_grad(loss))


def work():
    value, _ = jax.block_until_ready(gradient(weights))
    return 0, [float(value)]


turns(sys.argv[1], work)
