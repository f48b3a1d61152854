"""BK-Core by dense inverses in NumPy (complex128): gradient modes and continued chains.

Made with: python tests/golden/bk_core.py > tests/golden/bk_core.json   (numpy 1.24.2)

Inputs are draws of the linear congruential generator x <- (1664525 x + 1013904223) mod 2^32 as x / 2^32, from
the given seed, rounded to float32.
"""
import json

import numpy as np


def draws(seed, count):
    x, found = seed, []
    for _ in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        found.append(x / 2**32)
    return np.array(found)


def single(x):
    return np.float32(x).astype(np.float64)


def numbers(x):
    return [float(f"{value:.9g}") for value in x]


def inverse(v, p, z):
    n = len(v)
    h = np.diag(-2 + v).astype(complex)
    if n > 1:
        h += p * np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    return np.linalg.inv(h - z * np.eye(n))


def local(g, w, alpha):
    """(1 - alpha) theoretical + alpha hypothesis7."""
    s = g**2
    raised = np.where(np.abs(s) < 1e-4, 1e-4 * np.exp(1j * np.angle(s)), s)
    return -((1 - alpha) * w * s + alpha * w / (raised + 1e-6)).real


def cosine(x, y):
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def gradient_modes(n=512, eta=1.0):
    v = single(6 * draws(11, n) - 3)
    dg = single(2 * draws(12, 2 * n) - 1)
    w = dg[0::2] - 1j * dg[1::2]
    whole = inverse(v, 1.0, 1j * eta)
    exact = -np.einsum("i,ij,ji->j", w, whole, whole).real
    g = np.diag(whole)
    modes = {
        "exact": exact,
        "theoretical": local(g, w, 0.0),
        "hypothesis7": local(g, w, 1.0),
        "blend": local(g, w, 0.5),
    }
    return {
        "n": n,
        "eta": eta,
        "cosine": {name: cosine(exact, dv) for name, dv in modes.items()},
        "size": {name: float(np.linalg.norm(dv)) for name, dv in modes.items()},
        "head": {name: numbers(dv[:8]) for name, dv in modes.items()},
    }


def local_values():
    """Pivots on both sides of the floor |G| = 0.01, and 0."""
    g = single(np.array([0.5, 0.25, -0.003, 0.004, 0.0, 0.0, 0.0, -1.5, 0.006, -0.008]))
    dg = single(np.array([1.0, -2.0, 0.5, 0.25, 3.0, 1.0, -1.0, 0.75, 0.125, 2.0]))
    w = dg[0::2] - 1j * dg[1::2]
    z = g[0::2] + 1j * g[1::2]
    return {
        "g": g.tolist(),
        "dg": dg.tolist(),
        **{
            name: numbers(local(z, w, alpha))
            for name, alpha in [("theoretical", 0.0), ("hypothesis7", 1.0), ("blend", 0.25)]
        },
    }


def stream(n=24, eta=0.1, lam=0.3, p=0.7):
    v = single(6 * draws(21, n) - 3)
    eta, lam, p = (float(np.float32(x)) for x in (eta, lam, p))
    blocks = [inverse(v[: i + 1], p, lam + 1j * eta)[i, i] for i in range(n)]
    g = np.array(blocks)
    return {
        "eta": eta,
        "lambda": lam,
        "p": p,
        "v": v.tolist(),
        "g": numbers(np.stack([g.real, g.imag], axis=1).reshape(-1)),
    }


def long_chain(n=1024, eta=0.1, lam=0.3):
    """Every 64th pivot of a long chain, each from the inverse of its own leading block."""
    v = single(6 * draws(31, n) - 3)
    eta, lam = (float(np.float32(x)) for x in (eta, lam))
    sites = list(range(63, n, 64))
    found = []
    for i in sites:
        unit = np.zeros(i + 1)
        unit[i] = 1
        h = np.diag(-2 + v[: i + 1] - (lam + 1j * eta)) + np.diag(np.ones(i), 1)
        h += np.diag(np.ones(i), -1)
        found.append(np.linalg.solve(h, unit)[i])
    g = np.array(found)
    return {
        "n": n,
        "eta": eta,
        "lambda": lam,
        "sites": sites,
        "g": numbers(np.stack([g.real, g.imag], axis=1).reshape(-1)),
    }


print(
    json.dumps(
        {
            "gradient_modes": gradient_modes(),
            "local_values": local_values(),
            "stream": stream(),
            "long_chain": long_chain(),
        },
        indent=1,
    )
)
