"""Values and gradients of torch.bmm (float64, CPU) for tests/core/ops/batched_matmul_test.ts.

Made with: python tests/golden/bmm_torch.py > tests/golden/bmm_torch.json   (torch 1.13.0)
"""
import json

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
PRODUCTS, ROWS, INNER, COLUMNS = 3, 4, 5, 2


def rounded(*shape):
    """Normal draws that float32 holds exactly, so that both sides start from the same numbers."""
    return torch.randn(*shape).to(torch.float32).to(torch.float64).requires_grad_()


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def case(transpose_a, transpose_b):
    """Gradients are those of sum(w_c * c) with the given weights."""
    a = rounded(PRODUCTS, INNER, ROWS) if transpose_a else rounded(PRODUCTS, ROWS, INNER)
    b = rounded(PRODUCTS, COLUMNS, INNER) if transpose_b else rounded(PRODUCTS, INNER, COLUMNS)
    c = torch.bmm(
        a.transpose(1, 2) if transpose_a else a,
        b.transpose(1, 2) if transpose_b else b,
    )
    weights = rounded(*c.shape).detach()
    da, db = torch.autograd.grad((weights * c).sum(), [a, b])
    return {
        "inputs": {k: {"shape": list(x.shape), "values": numbers(x)} for k, x in (("a", a), ("b", b))},
        "weights": {"c": numbers(weights)},
        "outputs": {"c": numbers(c)},
        "gradients": {"a": numbers(da), "b": numbers(db)},
    }


layouts = {"nn": (False, False), "tn": (True, False), "nt": (False, True), "tt": (True, True)}
print(json.dumps({"torch": torch.__version__, **{k: case(*v) for k, v in layouts.items()}}))
