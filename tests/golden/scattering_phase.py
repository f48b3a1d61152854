"""Scattering phases of numpy from eigenvalues of dense matrices, and quantiles.

Made with: /usr/bin/python3 tests/golden/scattering_phase.py > tests/golden/scattering_phase.json   (numpy 1.24.2)
"""
import json

import numpy as np

draw = np.random.default_rng(5)


def rounded(values):
    """Numbers that float32 holds exactly, so that both sides start from the same ones."""
    return np.asarray(values, np.float32).astype(np.float64)


def total_phase(v, p, z):
    """Sum over eigenvalues of arg(-(E - z)) with V less the same without: arg det(I + K), not reduced by 2 pi."""
    bond = np.sqrt(p[: len(v) - 1])
    free = np.diag(np.full(len(v), -2.0)) + np.diag(bond, 1) + np.diag(bond, -1)
    with_v, without = np.linalg.eigvalsh(free + np.diag(v)), np.linalg.eigvalsh(free)
    delta = np.angle(-(with_v - z)).sum() - np.angle(-(without - z)).sum()
    # The same from determinants of complex matrices, which know it up to whole turns.
    one = np.eye(len(v))
    by_det = np.linalg.slogdet(free + np.diag(v) - z * one)[0] / np.linalg.slogdet(free - z * one)[0]
    assert abs(by_det - np.exp(1j * delta)) < 1e-9
    return delta


def long(eta, low, high):
    v = rounded(draw.uniform(low, high, 200))
    return {"eta": eta, "v": v.tolist(), "delta": total_phase(v, np.ones(199), float(rounded(eta)) * 1j)}


def local():
    """Two sequences, two channels, couplings of their own: phi_i = delta_i - delta_{i-1} of leading blocks."""
    n = 24
    v, p = rounded(draw.uniform(-3, 3, (2, 2, n))), rounded(draw.uniform(0.2, 1.8, n - 1))
    eta, lam = rounded([0.3, 1.0]), rounded([-0.4, 0.3])
    phi = np.zeros((2, n))
    for b in range(2):
        for h in range(2):
            delta = [total_phase(v[b, h, :i], p, lam[h] + 1j * eta[h]) for i in range(1, n + 1)]
            phi[b] += np.diff([0.0] + delta) / 2
    return {"n": n, "v": v.ravel().tolist(), "p": p.tolist(), "eta": eta.tolist(), "lambda": lam.tolist(),
            "phi": phi.ravel().tolist()}


def quantiles():
    """A skew distribution and its quantiles at levels j / 16."""
    sample = rounded(draw.gamma(2.0, 0.4, 1024) - 1)
    return {"sample": sample.tolist(), "quantiles": np.quantile(sample, np.arange(1, 16) / 16).tolist()}


print(json.dumps({
    "numpy": np.__version__,
    "long": [long(1.0, -3, 3), long(0.1, -3, 3), long(0.3, -1, 4)],
    "local": local(),
    "quantiles": quantiles(),
}))
