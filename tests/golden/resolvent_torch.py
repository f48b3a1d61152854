"""Values and gradients of PyTorch (complex128, CPU) for the resolvent mixer, by dense solves with leading blocks.

Made with: /usr/bin/python3 tests/golden/resolvent_torch.py > tests/golden/resolvent_torch.json   (torch 1.13.0)
"""
import json

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)

BATCH, LENGTH, HEADS, COLUMNS = 2, 9, 2, 3


def held(tensor):
    """Numbers that float32 holds exactly, so that both sides start from the same."""
    return tensor.to(torch.float32).to(torch.float64).requires_grad_()


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def mixer(x, v, t, eta, lam):
    """y_i is the last element of (H_{1..i} - z)^-1 x_{1..i}, H real symmetric with diagonal -2 + v."""
    y = torch.zeros(BATCH, LENGTH, HEADS * COLUMNS, dtype=torch.complex128)
    g = torch.zeros(BATCH, LENGTH, HEADS, dtype=torch.complex128)
    for b in range(BATCH):
        for h in range(HEADS):
            own = slice(h * COLUMNS, (h + 1) * COLUMNS)
            bonds = t[b, 1:, h]
            real = torch.diag(-2 + v[b, :, h] - lam[h]) + torch.diag(bonds, 1) + torch.diag(bonds, -1)
            matrix = torch.complex(real, torch.diag(-eta[b, :, h]))
            for i in range(LENGTH):
                block = matrix[: i + 1, : i + 1]
                right = torch.cat([x[b, : i + 1, own], torch.eye(i + 1)[:, i:]], 1)
                solved = torch.linalg.solve(block, right.to(torch.complex128))
                y[b, i, own] = solved[i, :COLUMNS]
                g[b, i, h] = solved[i, COLUMNS]
    return y, g


def case(inputs, outputs):
    """inputs and outputs by name; gradients are those of sum(w_out * out) with the given weights."""
    weights = {k: held(torch.randn(*out.shape)).detach() for k, out in outputs.items()}
    total = sum((weights[k] * out).sum() for k, out in outputs.items())
    found = torch.autograd.grad(total, list(inputs.values()))
    return {
        "inputs": {k: {"shape": list(x.shape), "values": numbers(x)} for k, x in inputs.items()},
        "weights": {k: numbers(w) for k, w in weights.items()},
        "outputs": {k: numbers(y) for k, y in outputs.items()},
        "gradients": {k: numbers(g) for k, g in zip(inputs, found)},
    }


def operands(eta):
    cells = (BATCH, LENGTH, HEADS)
    return {
        "x": held(torch.randn(BATCH, LENGTH, HEADS * COLUMNS)),
        "v": held(6 * torch.rand(cells) - 3),
        "t": held(0.2 + 1.2 * torch.rand(cells)),
        "eta": held(eta),
        "lam": held(torch.rand(HEADS) - 0.5),
    }


def per_position():
    given = operands(0.1 + 0.9 * torch.rand(BATCH, LENGTH, HEADS))
    y, g = mixer(*given.values())
    return case(given, {"re": y.real, "im": y.imag, "gRe": g.real, "gIm": g.imag})


def ward():
    given = operands(torch.tensor([0.05, 0.7]))
    x, v, t, eta, lam = given.values()
    y, g = mixer(x, v, t, eta.expand(BATCH, LENGTH, HEADS), lam)
    y = y * torch.sqrt(eta / g.imag).repeat_interleave(COLUMNS, 2)
    return case(given, {"re": y.real, "im": y.imag})


print(json.dumps({"per_position": per_position(), "ward": ward()}))
