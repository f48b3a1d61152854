"""PyTorch on the CPU in the side-by-side benchmark: arguments and report as in run_protocol.ts."""

import hashlib
import json
import math
import os
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def load(folder):
    with open(f"{folder}/case.json") as file:
        case = json.load(file)
    initial = np.fromfile(f"{folder}/parameters.f32", dtype="<f4")
    size = case["batch"] * case["seqLen"]
    ids = np.fromfile(f"{folder}/batches.i32", dtype="<i4").reshape(case["batches"], 2, size)
    parameters = {}
    for entry in case["parameters"]:
        values = initial[entry["offset"] : entry["offset"] + math.prod(entry["shape"])]
        parameters[entry["name"]] = torch.tensor(values).reshape(entry["shape"]).requires_grad_()
    return case, parameters, torch.tensor(ids.astype(np.int64))


def norm(x, gain, epsilon):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * gain


def loss_of(case, p, tokens, targets, mask):
    """Mean cross-entropy of the model, in nats per token."""
    model, batch, length = case["model"], case["batch"], case["seqLen"]
    width, heads, epsilon = model["width"], model["heads"], model["normEpsilon"]
    rows = batch * length
    x = (F.embedding(tokens.view(batch, length), p["embedding"]) + p["position"]).view(rows, width)
    for layer in range(model["layers"]):
        block = f"block{layer}"
        normed = norm(x, p[f"{block}/attention_norm/gain"], epsilon)
        q, k, v = (
            (normed @ p[f"{block}/{name}/weight"]).view(batch, length, heads, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // heads)
        mixed = scores.masked_fill(mask, -math.inf).softmax(-1) @ v
        mixed = mixed.transpose(1, 2).reshape(rows, width)
        x = x + mixed @ p[f"{block}/output/weight"]
        wide = norm(x, p[f"{block}/mlp_norm/gain"], epsilon) @ p[f"{block}/mlp_in/weight"]
        x = x + F.gelu(wide, approximate="tanh") @ p[f"{block}/mlp_out/weight"]
    logits = norm(x, p["final_norm/gain"], epsilon) @ p["head"].T
    return F.cross_entropy(logits, targets)


def optimiser_of(case, parameters):
    at = case["optimiser"]
    decayed = {entry["name"]: entry["decay"] for entry in case["parameters"]}
    groups = [
        {"params": [p for n, p in parameters.items() if decayed[n]], "weight_decay": at["weightDecay"]},
        {"params": [p for n, p in parameters.items() if not decayed[n]], "weight_decay": 0.0},
    ]
    betas = (at["beta1"], at["beta2"])
    return torch.optim.AdamW(groups, lr=at["learningRate"], betas=betas, eps=at["epsilon"])


def main():
    folder, extent, report_file = sys.argv[1:4]
    pass
    case, parameters, ids = load(folder)
    optimiser = optimiser_of(case, parameters)
    length = case["seqLen"]
    mask = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
    protocol = case["protocol"]
    losses, block_seconds = [], []

    def train(first, end):
        for index in range(first, end):
            tokens, targets = ids[index % case["batches"]]
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(case, parameters, tokens, targets, mask)
            loss.backward()
            optimiser.step()
            done = index + 1
            if done % protocol["readEvery"] == 0 or done == end:
                losses.append({"step": done, "loss": loss.item()})

    start = time.perf_counter()
    train(0, protocol["digestStep"])
    first_read_seconds = time.perf_counter() - start
    values = b"".join(p.detach().numpy().astype("<f4").tobytes() for p in parameters.values())
    if extent == "full":
        train(protocol["digestStep"], protocol["warmup"])
        for block in range(protocol["blocks"]):
            begin = time.perf_counter()
            first = protocol["warmup"] + block * protocol["blockSteps"]
            train(first, first + protocol["blockSteps"])
            block_seconds.append(time.perf_counter() - begin)
    report = {
        "version": torch.__version__,
        "device": f"cpu, {torch.get_num_threads()} threads",
        "firstReadSeconds": first_read_seconds,
        "blockSeconds": block_seconds,
        "losses": losses,
        "digest": hashlib.sha256(values).hexdigest(),
        "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    with open(report_file, "w") as file:
        json.dump(report, file)


main()
