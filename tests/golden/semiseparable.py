"""Dense matrices of numpy (complex128) for semiseparable matrices and the density of states.

Made with: python3 tests/golden/semiseparable.py > tests/golden/semiseparable.json   (numpy 2.4.6)
"""
import json

import numpy as np

draw = np.random.default_rng(20)


def rounded(values):
    """Numbers that float32 holds exactly, so that both sides start from the same ones."""
    return np.asarray(values, np.float32).astype(np.float64)


def numbers(values):
    return [float(f"{x:.12g}") for x in np.asarray(values).reshape(-1)]


def pairs(values):
    return numbers(np.stack([values.real, values.imag], -1))


def tridiagonal(lower, diagonal, upper):
    return np.diag(diagonal) + np.diag(lower, -1) + np.diag(upper, 1)


def general():
    """T is not symmetric, U and V differ: products and the diagonal of the resolvent."""
    n, r, z = 13, 3, 0.3 + 0.2j
    lower, upper = rounded(draw.uniform(0.2, 1.5, n - 1)), rounded(draw.uniform(0.2, 1.5, n - 1))
    diagonal, x = rounded(draw.uniform(-3, 3, n)), rounded(draw.normal(size=(2, n)))
    u, v = rounded(0.4 * draw.normal(size=(n, r))), rounded(0.4 * draw.normal(size=(n, r)))
    sigma = rounded([1.5, -0.75, 0.5])
    h = tridiagonal(lower, diagonal, upper) + u @ np.diag(sigma) @ v.T
    return {
        "n": n, "rank": r, "lambda": z.real, "eta": z.imag,
        "lower": numbers(lower), "diagonal": numbers(diagonal), "upper": numbers(upper),
        "u": numbers(u), "v": numbers(v), "sigma": numbers(sigma), "x": numbers(x),
        "product": numbers(x @ h.T), "transposed": numbers(x @ h),
        "resolvent": pairs(np.diag(np.linalg.inv(h - z * np.eye(n)))),
    }


def symmetric():
    """Two sequences, two channels: G_ii and the gradient of sum(dg * g) by dG = -G dH G, entry by entry."""
    batch, heads, n, r = 2, 2, 11, 3
    v, p = rounded(draw.uniform(-3, 3, (batch, heads, n))), rounded(draw.uniform(0.3, 1.5, n - 1))
    eta, lam = rounded([0.2, 0.7]), rounded([-0.4, 0.3])
    u, sigma = rounded(draw.uniform(-1, 1, (n, r))), rounded([1.2, -0.8, 0.4])
    dg = rounded(draw.normal(size=(batch, heads, n, 2)))
    g = np.zeros((batch, heads, n), complex)
    dv, dp, deta, dlam = np.zeros_like(v), np.zeros(n - 1), np.zeros(heads), np.zeros(heads)
    du, dsigma = np.zeros((n, r)), np.zeros(r)
    for b in range(batch):
        for h in range(heads):
            t = np.sqrt(p)
            matrix = tridiagonal(t, v[b, h] - 2, t) + u @ np.diag(sigma) @ u.T
            inverse = np.linalg.inv(matrix - (lam[h] + 1j * eta[h]) * np.eye(n))
            g[b, h] = np.diag(inverse)
            w = dg[b, h, :, 0] - 1j * dg[b, h, :, 1]

            def slope(dh):
                return (w * np.diag(-inverse @ dh @ inverse)).sum().real

            def unit(i, j):
                m = np.zeros((n, n), complex)
                m[i, j] = 1
                return m

            dv[b, h] = [slope(unit(i, i)) for i in range(n)]
            dp += [slope(unit(k, k + 1) + unit(k + 1, k)) / (2 * t[k]) for k in range(n - 1)]
            deta[h] += slope(-1j * np.eye(n))
            dlam[h] += slope(-np.eye(n))
            for a in range(r):
                dsigma[a] += slope(np.outer(u[:, a], u[:, a]))
                for i in range(n):
                    e = np.eye(n)[i]
                    du[i, a] += slope(sigma[a] * (np.outer(e, u[:, a]) + np.outer(u[:, a], e)))
    return {
        "batch": batch, "heads": heads, "n": n, "rank": r,
        "inputs": {
            "v": numbers(v), "p": numbers(p), "eta": numbers(eta), "lambda": numbers(lam),
            "u": numbers(u), "sigma": numbers(sigma), "dg": numbers(dg),
        },
        "g": pairs(g),
        "gradients": {
            "v": numbers(dv), "p": numbers(dp), "eta": numbers(deta), "lambda": numbers(dlam),
            "u": numbers(du), "sigma": numbers(dsigma),
        },
    }


def density():
    """Density of states of two potentials from eigenvalues: the mean of Lorentz curves of half-width eta."""
    n, eta, p = 24, 0.25, 1.0
    v = rounded([draw.uniform(-3, 3, n), draw.uniform(-1, 0, n) + 2 * (np.arange(n) % 2)])
    grid = rounded(np.linspace(-7, 5, 97))
    rho = []
    for row in v:
        bond = np.full(n - 1, np.sqrt(p))
        values = np.linalg.eigvalsh(tridiagonal(bond, row - 2, bond))
        rho.append((eta / np.pi / ((grid[:, None] - values) ** 2 + eta**2)).mean(1))
    rho = np.array(rho)
    step = 12 / 96
    gap = step * np.cumsum(rho[0] - rho[1])
    return {
        "n": n, "eta": eta, "p": p, "step": step, "v": numbers(v), "grid": numbers(grid), "rho": numbers(rho),
        "wasserstein": float(f"{step * np.abs(gap).sum():.12g}"),
        "squared": float(f"{step * (gap**2).sum():.12g}"),
        "total_variation": float(f"{0.5 * step * np.abs(rho[0] - rho[1]).sum():.12g}"),
    }


print(json.dumps({"general": general(), "symmetric": symmetric(), "density": density()}, indent=1))
