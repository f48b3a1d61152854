"""Values and gradients of PyTorch (float64, CPU) for tests/core/ops and tests/core/layers.

Made with: python tests/golden/ops_torch.py > tests/golden/ops_torch.json   (torch 2.13.0+cpu)
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def rounded(*shape):
    """Normal draws that float32 holds exactly, so that both sides start from the same numbers."""
    return torch.randn(*shape).to(torch.float32).to(torch.float64).requires_grad_()


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def case(inputs, outputs, extra=None):
    """inputs and outputs by name; gradients are those of sum(w_out * out) with the given weights."""
    weights = {name: rounded(*out.shape).detach() for name, out in outputs.items()}
    total = sum((weights[name] * out).sum() for name, out in outputs.items())
    found = torch.autograd.grad(total, list(inputs.values()))
    return {
        "inputs": {k: {"shape": list(x.shape), "values": numbers(x)} for k, x in inputs.items()},
        "weights": {k: numbers(w) for k, w in weights.items()},
        "outputs": {k: numbers(y) for k, y in outputs.items()},
        "gradients": {k: numbers(g) for k, g in zip(inputs, found)},
        **(extra or {}),
    }


def attention():
    batch, length, heads, width = 2, 11, 2, 8
    q, k, v = (rounded(batch, length, heads * width) for _ in range(3))
    split = lambda x: x.reshape(batch, length, heads, width).transpose(1, 2)
    out = F.scaled_dot_product_attention(split(q), split(k), split(v), is_causal=True)
    out = out.transpose(1, 2).reshape(batch, length, heads * width)
    return case({"q": q, "k": k, "v": v}, {"out": out}, {"heads": heads})


def layer_norm():
    x, gain, bias = rounded(2, 5, 20), rounded(20), rounded(20)
    y = F.layer_norm(x, (20,), gain, bias, eps=1e-5)
    return case({"x": x, "gain": gain, "bias": bias}, {"y": y})


def rms_norm():
    x, gain = rounded(2, 5, 20), rounded(20)
    return case({"x": x, "gain": gain}, {"y": F.rms_norm(x, (20,), gain, eps=1e-5)})


def linear():
    x, weight, bias = rounded(2, 5, 12), rounded(12, 8), rounded(8)
    return case({"x": x, "weight": weight, "bias": bias}, {"y": F.linear(x, weight.T, bias)})


def cross_entropy():
    rows, width, classes = 70, 5, 13
    x, head = rounded(rows, width), rounded(classes, width)
    targets = torch.randint(0, classes, (rows,))
    targets[::9] = -100
    loss = F.cross_entropy(x @ head.T, targets, ignore_index=-100)
    row_losses = F.cross_entropy(x @ head.T, targets, ignore_index=-100, reduction="none")
    return case(
        {"x": x, "head": head},
        {"loss": loss.reshape(1), "rowLosses": row_losses},
        {"targets": targets.tolist()},
    )


cases = [attention, layer_norm, rms_norm, linear, cross_entropy]
print(json.dumps({"torch": torch.__version__, **{f.__name__: f() for f in cases}}))
