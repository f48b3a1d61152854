"""Recomputes batches.json: where training windows begin, from the definitions, standard library only.

    python3 tests/golden/batches.py > tests/golden/batches.json

Threefry-2x32-20 follows the Random123 paper and is checked on its three known-answer vectors first.
"""
import hashlib
import json

M = 0xFFFFFFFF
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def threefry(key, counter):
    ks = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    a, b = (counter[0] + ks[0]) & M, (counter[1] + ks[1]) & M
    for d in range(1, 21):
        r = ROTATIONS[(d - 1) % 8]
        a = (a + b) & M
        b = (((b << r) | (b >> (32 - r))) & M) ^ a
        if d % 4 == 0:
            s = d // 4
            a, b = (a + ks[s % 3]) & M, (b + ks[(s + 1) % 3] + s) & M
    return a, b


assert threefry((0, 0), (0, 0)) == (0x6B200159, 0x99BA4EFE)
assert threefry((M, M), (M, M)) == (0x1CB996FC, 0xBB002BE7)
assert threefry((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3)) == (0xC4923A9C, 0x483DF7A0)


def word(seed, name, step, index):
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return threefry((int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")), (step, index))[0]


def starts(tokens, seq_len, batch, seed, block, steps):
    blocks = tokens // block - 1
    out = []
    for step in steps:
        row = []
        for g in range(step * batch, (step + 1) * batch):
            epoch, within = divmod(g, blocks * (block // seq_len))
            order = sorted(range(blocks), key=lambda i: (word(seed, "order", epoch, i), i))
            b, sub = divmod(within, block // seq_len)
            row.append(word(seed, "order/offset", epoch, 0) % block + order[b] * block + sub * seq_len)
        out.append(row)
    return out


cases = []
for tokens, seq_len, batch, seed, block, steps in [
    (1000, 16, 4, 42, 16, [0, 1, 14, 15, 900]),
    (1000, 16, 8, 43, 64, [0, 1, 7, 100]),
    (1001, 64, 2, 43, 64, [0, 1, 7, 100]),
    (50, 10, 3, 7, 10, [0, 1, 2, 3]),
]:
    cases.append({
        "tokens": tokens, "seqLen": seq_len, "batchSize": batch, "seed": seed, "blockLength": block,
        "steps": steps, "starts": starts(tokens, seq_len, batch, seed, block, steps),
    })
print(json.dumps(cases, indent=1))
