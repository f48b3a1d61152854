"""Golden values for core/spectral from dense NumPy and SciPy; the tests read the JSON, never this script.

Command, from the repository root:
    python3 tests/golden/spectral_numpy.py > tests/golden/spectral_numpy.json
Made with Python 3.11.7, NumPy 2.4.6, SciPy 1.17.1.
Oracles: numpy.linalg.inv, slogdet, svd, cond on full complex matrices; scipy.linalg.eigvalsh; commutators as
products of full matrices; scipy.integrate.quad. No pivot recurrence is used.
"""

import json
import platform
import sys

import numpy as np
import scipy
from scipy.integrate import quad

rng = np.random.default_rng(20240607)


def dense(a, b, c):
    return np.diag(a) + np.diag(b, 1) + np.diag(c, -1)


def lattice(v):
    n = len(v)
    return dense(np.asarray(v) - 2.0, np.ones(n - 1), np.ones(n - 1))


def parts(x):
    return {"re": np.real(x).tolist(), "im": np.imag(x).tolist()}


def resolvent_case(n, lam, eta):
    a = -2 + rng.uniform(-3, 3, n)
    b = rng.normal(1, 0.3, max(0, n - 1))
    c = np.sign(b) * np.abs(rng.normal(1, 0.3, max(0, n - 1)))
    if n > 5:
        b[4] = 0.0
    m = dense(a, b, c) - (lam + 1j * eta) * np.eye(n)
    inverse = np.linalg.inv(m)
    x = rng.normal(size=n) + 1j * rng.normal(size=n)
    row = n // 2
    causal = [np.linalg.inv(m[: i + 1, : i + 1])[i, i] for i in range(n)]
    last = np.zeros(n, complex)
    last[: row + 1] = np.linalg.inv(m[: row + 1, : row + 1])[row]
    return {
        "diagonal": a.tolist(), "upper": b.tolist(), "lower": c.tolist(), "lambda": lam, "eta": eta,
        "inverse_diagonal": parts(np.diag(inverse)), "causal": parts(np.array(causal)),
        "x": parts(x), "solution": parts(np.linalg.solve(m, x)), "product": parts(m @ x),
        "row": row, "inverse_row": parts(inverse[row]), "causal_row": parts(last),
    }


def symmetric_case(n, lam, eta, width):
    v = rng.uniform(-width, width, n)
    z = lam + 1j * eta
    roots = np.roots([1, -(2 + z), 1])
    zeta = roots[np.argmin(np.abs(roots))]
    amplitude = 1 / (zeta - 1 / zeta)
    index = np.arange(n)
    infinite = amplitude * zeta ** np.abs(index[:, None] - index[None, :])
    half = np.sqrt(np.abs(v))
    k = np.sign(v)[:, None] * half[:, None] * infinite * half[None, :]
    singular = np.linalg.svd(k, compute_uv=False)
    out = {
        "v": v.tolist(), "lambda": lam, "eta": eta, "zeta": [zeta.real, zeta.imag],
        "amplitude": [amplitude.real, amplitude.imag],
        "hilbert_schmidt": float(np.sqrt(np.sum(singular**2))), "trace_norm": float(np.sum(singular)),
    }
    return out, v, z


def determinant_case(n, lam, eta):
    out, v, z = symmetric_case(n, lam, eta, 3)
    dirichlet = np.linalg.inv(lattice(np.zeros(n)) - z * np.eye(n))
    half = np.sqrt(np.abs(v))
    k = np.sign(v)[:, None] * half[:, None] * dirichlet * half[None, :]
    sign, log_modulus = np.linalg.slogdet(np.eye(n) + k)
    m = lattice(v) - z * np.eye(n)
    weights = np.diag((1 + (np.arange(n) - (n - 1) / 2) ** 2) ** -0.5)
    return out | {
        "sign": [sign.real, sign.imag], "log_modulus": float(log_modulus),
        "condition": float(np.linalg.cond(m)),
        "weighted_norm": float(np.linalg.norm(weights @ np.linalg.inv(m) @ weights, 2)),
    }


def commutator_case(v):
    n = len(v)
    x = np.diag(np.arange(n) - (n - 1) / 2)
    sin_p = dense(np.zeros(n), np.full(n - 1, 1 / 2j), np.full(n - 1, -1 / 2j))
    a = (x @ sin_p + sin_p @ x) / 2
    h = lattice(v)
    commutator = 1j * (h @ a - a @ h)
    potential = 1j * (np.diag(v) @ a - a @ np.diag(v))
    assert np.max(np.abs(commutator.imag)) == 0
    shifted = lattice(np.zeros(n)) + 2 * np.eye(n)
    return {
        "v": list(v), "commutator": commutator.real.tolist(),
        "interior": (-(4 * np.eye(n) - shifted @ shifted) / 2).tolist(),
        "potential_norm": float(np.linalg.norm(potential, 2)),
    }


def eigenvalue_case(a, b, c):
    t = np.sqrt(np.asarray(b) * np.asarray(c))
    return {
        "diagonal": list(a), "upper": list(b), "lower": list(c),
        "eigenvalues": scipy.linalg.eigvalsh(dense(a, t, t)).tolist(),
    }


def ratio_distribution(r):
    density = lambda x: 81 * np.sqrt(3) / (2 * np.pi) * (x + x * x) ** 2 / (1 + x + x * x) ** 4
    return quad(density, 0, r, epsabs=1e-14, epsrel=1e-14)[0]


def formula_case(n, epsilon, k_max):
    primes = [p for p in range(2, n) if all(p % q for q in range(2, p))]
    x = np.arange(n) * np.log(n) / n
    v = np.zeros(n)
    for p in primes:
        for k in range(1, k_max + 1):
            alpha = np.log(p) / p ** (k * (0.5 + epsilon))
            v += alpha * np.exp(-((x - k * np.log(p)) ** 2) / (2 * epsilon)) / np.sqrt(epsilon)
    return {"n": n, "epsilon": epsilon, "k_max": k_max, "values": v.tolist()}


random_bonds = np.abs(rng.normal(1, 0.5, 63))
random_bonds[20] = 0.0
json.dump(
    {
        "made_with": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        "resolvents": [
            resolvent_case(n, lam, eta)
            for n, lam, eta in [(1, 0, 1), (2, -2, 0.5), (3, 0, 0.01), (8, -1, 0.1), (64, 0, 1), (200, -2.5, 0.03)]
        ],
        "determinants": [
            determinant_case(n, lam, eta)
            for n, lam, eta in [(1, 0, 1), (40, -2, 0.3), (200, 0, 1), (200, -1, 0.05), (200, -2, 0.001)]
        ],
        "bounds": [
            symmetric_case(12, rng.uniform(-5, 1), 10 ** rng.uniform(-3, np.log10(2)), 3)[0] for _ in range(100)
        ],
        "commutators": [commutator_case([0.0] * 12), commutator_case(rng.uniform(-3, 3, 15).tolist())],
        "eigenvalues": [
            eigenvalue_case([1.5], [], []),
            eigenvalue_case([0.0] * 9, [1.0] * 8, [1.0] * 8),
            eigenvalue_case(
                rng.normal(size=64).tolist(), random_bonds.tolist(), np.abs(rng.normal(1, 0.5, 63)).tolist()
            ),
        ],
        "ratio_distribution": [[r, ratio_distribution(r)] for r in [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]],
        "prime_bumps": [formula_case(20, 1.0, 3), formula_case(33, 0.5, 2)],
    },
    sys.stdout,
)
