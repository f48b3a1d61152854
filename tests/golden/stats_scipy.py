"""Golden values for core/stats from SciPy and mpmath; the tests read the JSON, never this script.

Command, from the repository root:
    python3 tests/golden/stats_scipy.py > tests/golden/stats_scipy.json
Made with Python 3.11.7, NumPy 2.4.6, SciPy 1.17.1, mpmath 1.3.0.
Oracles: scipy.stats.ttest_rel and its confidence_interval, scipy.stats.permutation_test
(permutation_type="samples", every sign vector), numpy.std(ddof=1), scipy.special.gammaln for Hedges' J.
The t distribution is mpmath at 50 digits, since SciPy's own t quantile has been off in the tenth digit.
"""

import json
import platform
import sys

import mpmath
import numpy as np
import scipy
from scipy import special, stats

mpmath.mp.dps = 50


def t_cdf(t, df):
    t, df = mpmath.mpf(t), mpmath.mpf(df)
    tail = mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return tail if t <= 0 else 1 - tail


def t_quantile(p, df):
    start = mpmath.mpf(float(stats.t.ppf(p, df)))
    return mpmath.findroot(lambda t: t_cdf(t, df) - mpmath.mpf(p), start)


def pairs_case(name, a, b, level=0.95):
    a, b = np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)
    d, n = a - b, len(a)
    test = stats.ttest_rel(a, b)
    interval = test.confidence_interval(level)
    flips = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=2**n, alternative="two-sided"
    )
    assert len(flips.null_distribution) == 2**n
    m = n - 1
    j = np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    return {
        "name": name, "a": a.tolist(), "b": b.tolist(), "n": n, "level": level,
        "mean": float(d.mean()), "sd": float(d.std(ddof=1)), "t": float(test.statistic),
        "df": int(test.df), "p": float(test.pvalue), "low": float(interval.low),
        "high": float(interval.high), "p_exact": float(flips.pvalue),
        "correction": float(j), "dz": float(j * d.mean() / d.std(ddof=1)),
    }


def random_case(seed, n, shift, level=0.95):
    rng = np.random.default_rng(seed)
    block = 2.5 + 0.05 * rng.standard_normal(n)
    a = np.round(block + shift + 0.02 * rng.standard_normal(n), 6)
    b = np.round(block + 0.02 * rng.standard_normal(n), 6)
    return pairs_case(f"random seed {seed}, n {n}", a, b, level)


zeros = lambda n: [0.0] * n
cases = [
    pairs_case("one to five", [1, 2, 3, 4, 5], zeros(5)),
    pairs_case("ties and zeros", [0, 0, 1, 1, -1, 2, 2, -3], zeros(8)),
    pairs_case("decimal ties", [0.1, 0.2, -0.3, 0.1, 0.2, 0.3], zeros(6)),
    pairs_case("tiny", [1e-9, 2e-9, -1.5e-9, 4e-9, 3e-9, 2.5e-9], zeros(6)),
    pairs_case("huge", [1e12, -2e12, 5e12, 4e12, 3e12, 7e12, 6e12], zeros(7)),
    pairs_case("mixed sizes", [1e-6, 1.0, 2.0, 1e3, 5.0, -1e-3], zeros(6)),
    pairs_case("three pairs", [2.0, 2.5, 2.25], [2.1, 2.4, 2.5]),
    pairs_case("exactly zero mean", [1, -1, 2, -2], zeros(4)),
    *[random_case(seed, 8, shift) for seed, shift in zip(range(42, 50), np.linspace(-0.03, 0.04, 8))],
    random_case(7, 6, 0.0, 0.99),
    random_case(8, 12, 0.01, 0.9),
    random_case(9, 15, 0.01),
]

degrees = [1, 2, 3, 4, 5, 7, 9, 14, 19, 30, 100]
document = {
    "made_with": {
        "python": platform.python_version(), "numpy": np.__version__,
        "scipy": scipy.__version__, "mpmath": mpmath.__version__,
    },
    "t_cdf": [
        {"t": t, "df": df, "value": float(t_cdf(t, df))}
        for df in degrees
        for t in [-1e6, -100.0, -12.5, -2.0, -0.5, -1e-3, 0.0, 0.25, 1.96, 3.5]
    ],
    "t_quantile": [
        {"probability": p, "df": df, "value": float(t_quantile(p, df))}
        for df in degrees
        for p in [0.005, 0.025, 0.2, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9995]
    ],
    "pairs": cases,
}
json.dump(document, sys.stdout, indent=1)
sys.stdout.write("\n")
