"""Ten updates of each model in PyTorch (float64, CPU), from our initial bytes and our batches.

Losses, gradient norms before clipping, and the final norm of every parameter, for
tests/core/train/training_torch_test.ts. Models, loss, schedule and split of parameters are written
here from docs/mathematics.md; gradients are PyTorch's. Every case is run twice:

- "exact": all constants in float64, and the update is torch.optim.AdamW;
- "stored": constants, learning rates and bias corrections rounded to float32, which is how our plans
  hold them, and the update is the formula of docs/mathematics.md section 8.

Made with (torch 2.13.0+cpu):
    deno run -q tests/_tools/export_training_case.ts > /tmp/training_cases.json
    python tests/golden/training_torch.py /tmp/training_cases.json > tests/golden/training_torch.json
"""
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


EXACT, STORED = float, lambda x: float(np.float32(x))


def rms_norm(x, gain, held):
    return F.rms_norm(x, (x.shape[-1],), gain, eps=held(1e-5))


def gelu(x, held):
    inner = held(math.sqrt(2 / math.pi)) * (x + held(0.044715) * x**3)
    return x / 2 * (1 + torch.tanh(inner))


def transformer(p, tokens, model, held):
    """Pre-norm attention and GELU blocks, learned positions."""
    heads = model["nHeads"]
    batch, length = tokens.shape
    split = lambda y: y.reshape(batch, length, heads, -1).transpose(1, 2)
    x = p["embedding"][tokens] + p["position"]
    for layer in range(model["nLayers"]):
        at = lambda name: p[f"block{layer}/{name}"]
        normed = rms_norm(x, at("attention_norm/gain"), held)
        q, k, v = (split(normed @ at(f"{name}/weight")) for name in ("query", "key", "value"))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + mixed.transpose(1, 2).reshape(batch, length, -1) @ at("output/weight")
        wide = rms_norm(x, at("mlp_norm/gain"), held) @ at("mlp_in/weight")
        x = x + gelu(wide, held) @ at("mlp_out/weight")
    return rms_norm(x, p["final_norm/gain"], held)


def causal_core(v, eta):
    """v (B, H, N), eta (H) -> (B, H, N): last diagonal element of the inverse of each leading block."""
    length = v.shape[-1]
    off = torch.ones(length - 1)
    hopping = torch.diag(off, 1) + torch.diag(off, -1)
    hamiltonian = torch.diag_embed(v - 2) + hopping  # H, with a = -2 and b = c = 1
    z = torch.complex(torch.zeros_like(eta), eta)
    shifted = hamiltonian - z[:, None, None] * torch.eye(length)
    blocks = (shifted[..., :i, :i] for i in range(1, length + 1))
    return torch.stack([torch.linalg.inv(block)[..., -1, -1] for block in blocks], dim=-1)


def mixture(x, gate, w1, w2):
    """Every expert on every row; the row keeps the most probable one, weighted by its probability."""
    probabilities = torch.softmax(x @ gate, dim=-1)
    chosen = F.one_hot(probabilities.argmax(-1), gate.shape[1])
    everyone = torch.einsum("ref,efd->red", torch.relu(torch.einsum("rd,edf->ref", x, w1)), w2)
    return ((probabilities * chosen)[..., None] * everyone).sum(1)


def resnet_bk(p, tokens, model, held):
    """Pre-norm blocks of causal BK-Core and a top-1 mixture of experts."""
    assert model["topK"] == 1
    batch, length = tokens.shape
    x = p["embedding"][tokens]
    width = x.shape[-1]
    for layer in range(model["nLayers"]):
        at = lambda name: p[f"block{layer}/{name}"]
        raw = rms_norm(x, at("mixer_norm/gain"), held) @ at("bk/potential/weight")
        v = model["vMax"] * torch.tanh(raw / model["vMax"])
        eta = held(model["etaMin"]) + F.softplus(at("bk/theta"))
        g = causal_core(v.transpose(1, 2), eta).transpose(1, 2)  # (B, N, H)
        features = torch.view_as_real(g).reshape(batch, length, -1)  # re, im of channel 0, of 1, ...
        x = x + features @ at("bk/output/weight")
        rows = rms_norm(x, at("moe_norm/gain"), held).reshape(batch * length, width)
        experts = (at(f"experts/{name}") for name in ("gate", "w1", "w2"))
        x = x + mixture(rows, *experts).reshape(x.shape)
    return rms_norm(x, p["final_norm/gain"], held)


MODELS = {"transformer": transformer, "resnet-bk": resnet_bk}


def rate(t, schedule):
    """Linear warm-up to the peak, then linearly down to a tenth of it."""
    steps, warmup, peak = (schedule[k] for k in ("steps", "warmupSteps", "learningRate"))
    return peak * t / warmup if t <= warmup else peak * (1 - 0.9 * (t - warmup) / (steps - warmup))


class StoredAdamW:
    """The update of section 8 with rates and corrections as float32 numbers."""

    def __init__(self, groups, betas, eps):
        self.param_groups, self.betas, self.eps, self.t = groups, betas, eps, 0
        self.moments = {p: (0, 0) for group in groups for p in group["params"]}

    def zero_grad(self):
        for p in self.moments:
            p.grad = None

    @torch.no_grad()
    def step(self):
        self.t += 1
        c1, c2 = (STORED(1 / (1 - beta**self.t)) for beta in self.betas)
        for group in self.param_groups:
            for p in group["params"]:
                (b1, b2), (m, v) = self.betas, self.moments[p]
                m, v = b1 * m + (1 - b1) * p.grad, b2 * v + (1 - b2) * p.grad**2
                self.moments[p] = (m, v)
                direction = m * c1 / (torch.sqrt(v * c2) + self.eps)
                p -= STORED(group["lr"]) * (direction + group["weight_decay"] * p)


def train(case, held):
    settings = case["settings"]
    model, optimiser = settings["model"], settings["optimiser"]
    shape = (settings["shape"]["batch"], settings["shape"]["seqLen"])
    p = {
        name: torch.tensor(value["values"], dtype=torch.float64)
        .reshape(value["shape"])
        .requires_grad_()
        for name, value in case["parameters"].items()
    }
    plain = [name for name in p if name.endswith("/gain") or name.endswith("/theta")]
    groups = [
        {"params": [p[name] for name in p if name not in plain], "weight_decay": optimiser["weightDecay"]},
        {"params": [p[name] for name in plain], "weight_decay": 0.0},
    ]
    update = torch.optim.AdamW if held is EXACT else StoredAdamW
    adamw = update(groups, betas=(optimiser["beta1"], optimiser["beta2"]), eps=1e-8)
    losses, norms = [], []
    for t, batch in enumerate(case["batches"], start=1):
        tokens = torch.tensor(batch["tokens"]).reshape(shape)
        targets = torch.tensor(batch["targets"])
        features = MODELS[model["kind"]](p, tokens, model, held).reshape(len(targets), -1)
        head = p["embedding"] if model["tieHead"] else p["head"]
        loss = F.cross_entropy(features @ head.T, targets)
        adamw.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(float((x.grad**2).sum()) for x in p.values()))
        # Not clip_grad_norm_, which divides by norm + 1e-6.
        for x in p.values():
            x.grad.mul_(min(1.0, optimiser["gradClip"] / norm))
        for group in adamw.param_groups:
            group["lr"] = rate(t, settings["schedule"])
        adamw.step()
        losses.append(loss.item())
        norms.append(norm)
    final = {name: x.detach().norm().item() for name, x in p.items()}
    return {"losses": losses, "gradNorms": norms, "parameterNorms": final}


with open(sys.argv[1]) as file:
    cases = json.load(file)
found = {
    case["name"]: {"exact": train(case, EXACT), "stored": train(case, STORED)} for case in cases
}
print(json.dumps({"torch": torch.__version__, **found}, indent=1))
