"""Random numbers, quantiles and logarithms for tests/core/random.

Threefry is written here from Salmon et al. (SC 2011), not from our TypeScript; SHA-256 is Python's,
quantiles are SciPy's, logarithms are mpmath's at 60 digits.

Made with (scipy 1.17.1, mpmath 1.3.0): python tests/golden/random_python.py > tests/golden/random_python.json
"""
import hashlib
import json
import math

import mpmath
import scipy
from scipy.stats import norm

MASK = (1 << 32) - 1


def threefry2x32(key, counter):
    """20 rounds; rotations of table 2, key injection every four rounds."""
    keys = (*key, 0x1BD11BDA ^ key[0] ^ key[1])
    x, y = (counter[0] + keys[0]) & MASK, (counter[1] + keys[1]) & MASK
    for group in range(5):
        for r in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = (x + y) & MASK
            y = ((y << r | y >> (32 - r)) & MASK) ^ x
        s = group + 1
        x, y = (x + keys[s % 3]) & MASK, (y + keys[(s + 1) % 3] + s) & MASK
    return x, y


def stream_key(seed, name):
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")


def word(seed, name, step, index):
    return threefry2x32(stream_key(seed, name), (step, index))[0]


def permutation(seed, name, epoch, n):
    return sorted(range(n), key=lambda i: (word(seed, name, epoch, i), i))


words = [
    {"seed": seed, "name": name, "step": step, "index": index, "word": word(seed, name, step, index)}
    for seed in (0, 42, MASK)
    for name in ("order", "init/embedding", "init/block0/bk/potential/weight", "größe")
    for step, index in ((0, 0), (0, 1), (1, 0), (900, 123456), (MASK, MASK))
]
permutations = [
    {"seed": seed, "epoch": epoch, "n": n, "values": permutation(seed, "order", epoch, n)}
    for seed, epoch, n in ((42, 0, 16), (42, 1, 16), (43, 0, 16), (0, 900, 101))
]
# The rational functions change at |p - 1/2| = 0.425 and where sqrt(-log p) = 5; 2^-33 is our smallest.
probabilities = [
    1e-300, 1e-100, 1e-30, 1e-16, 1.3e-11, 1.4e-11, 2**-33, 3 * 2**-33, 1e-6, 1e-3, 0.02, 0.0749, 0.0751,
    0.1, 0.2, 0.3, 0.4, 0.49, 0.4999, 0.5, 0.5001, 0.6, 0.7, 0.8, 0.9, 0.9249, 0.9251, 0.95, 0.975, 0.99,
    0.999, 0.999999, 1 - 2**-33, 1 - 2**-53,
]  # fmt: skip
mpmath.mp.dps = 60
arguments = [
    2.2250738585072014e-308, 1e-300, 1e-17, 0.1, 0.5, 0.7, 0.7071067811865475, 0.7071067811865476, 0.99,
    1 - 2**-53, 1.0, 1 + 2**-52, 1.01, 1.4142135623730950, 1.4142135623730951, 1.5, 2.0, math.e, 3.0, 10.0,
    1e17, 1e300, 1.7976931348623157e308,
]  # fmt: skip
print(
    json.dumps(
        {
            "scipy": scipy.__version__,
            "words": words,
            "permutations": permutations,
            "quantiles": [[p, float(norm.ppf(p))] for p in probabilities],
            "logarithms": [[x, float(mpmath.log(mpmath.mpf(x)))] for x in arguments],
        },
        indent=1,
        ensure_ascii=False,
    )
)
