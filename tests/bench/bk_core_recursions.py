"""BK-Core outside our engine: a NumPy scan over the batch, and tensor programs in PyTorch that step in Python.

Arguments: folder with v.f64 (B N) and w.f64 (B N 2), then B, N, a, p, eta, repetitions. Prints JSON with seconds per
repetition; writes g_<name>.f64 and dv_numpy.f64 into the folder for comparison of values.
"""

import json
import sys
import time

import numpy as np


def numpy_scan(v, w, a, p, eta):
    """Forward and gradients of the causal core, all chains of a position at once."""
    batch, n = v.shape
    g = np.empty((n, batch), dtype=np.complex128)
    d = (a + v.T) - 1j * eta
    previous = np.zeros(batch, dtype=np.complex128)
    for i in range(n):
        previous = 1 / (d[i] - p * previous)
        g[i] = previous
    square = g * g
    adjoint = np.empty_like(g)
    carried = np.zeros(batch, dtype=np.complex128)
    cotangent = np.conj(w).T
    for i in range(n - 1, -1, -1):
        adjoint[i] = cotangent[i] + carried
        carried = p * square[i] * adjoint[i]
    product = adjoint * square
    gradients = (np.sum((product[1:] * g[:-1]).real), -np.sum(product.imag), np.sum(product.real))
    return g.T, -product.real.T, gradients


def torch_pivots(torch, v, a, p, eta):
    """Forward of the causal core: one step is one division and one multiply-subtract over the batch."""
    d = torch.complex(a + v, torch.full_like(v, -eta))
    previous = torch.zeros(v.shape[0], dtype=torch.complex128)
    found = []
    for i in range(v.shape[1]):
        previous = 1 / (d[:, i] - p * previous)
        found.append(previous)
    return torch.stack(found, dim=1)


def torch_determinants(torch, v, a, p, eta):
    """Forward of the bidirectional core: leading and trailing determinants, each step rescaled to modulus one."""
    d = torch.complex(a + v, torch.full_like(v, -eta))
    n = v.shape[1]

    def sweep(order):
        one = torch.ones(v.shape[0], dtype=torch.complex128)
        before, last = torch.zeros_like(one), one
        scale = torch.zeros(v.shape[0], dtype=torch.float64)
        ratio = torch.ones_like(scale)  # exp of the difference of the last two log scales
        values, scales = [last], [scale]
        for i in order:
            value = d[:, i] * last - p * ratio * before
            size = value.abs() + 1e-20
            before, last = last, value / size
            scale = scale + size.log()
            ratio = 1 / size
            values.append(last)
            scales.append(scale)
        return torch.stack(values, dim=1), torch.stack(scales, dim=1)

    left, left_scale = sweep(range(n))
    right, right_scale = sweep(range(n - 1, -1, -1))
    right, right_scale = right.flip(1), right_scale.flip(1)
    logs = left_scale[:, :n] + right_scale[:, 1:] - left_scale[:, n:]
    return left[:, :n] * right[:, 1:] / left[:, n:] * logs.exp()


def torch_published(torch, v, a, p, eta):
    """Forward of the bidirectional core as its publication has it: determinants with log scales, every difference of
    logs bent by 88 tanh(x / 88), 1e-3 added to each diagonal entry along its phase, magnitudes clipped to 50."""
    d = torch.complex(a + v, torch.full_like(v, -eta))
    d = d + 1e-3 * d / d.abs()
    n = v.shape[1]

    def bent(x):
        return torch.exp(88 * torch.tanh(x / 88))

    def sweep(order):
        one = torch.ones(v.shape[0], dtype=torch.complex128)
        before, last = torch.zeros_like(one), one
        before_scale = torch.zeros(v.shape[0], dtype=torch.float64)
        last_scale = torch.zeros_like(before_scale)
        values, scales = [last], [last_scale]
        for i in order:
            value = d[:, i] * last - p * before * bent(before_scale - last_scale)
            size = value.abs() + 1e-20
            before, before_scale = last, last_scale
            last, last_scale = value / size, last_scale + torch.log(size)
            values.append(last)
            scales.append(last_scale)
        return torch.stack(values, dim=1), torch.stack(scales, dim=1)

    left, left_scale = sweep(range(n))
    right, right_scale = sweep(range(n - 1, -1, -1))
    right, right_scale = right.flip(1), right_scale.flip(1)
    logs = left_scale[:, :n] + right_scale[:, 1:] - left_scale[:, n:]
    g = left[:, :n] * right[:, 1:] / left[:, n:] * bent(logs)
    size = g.abs()
    return torch.where(size > 50, 50 * g / size, g)


def timed(run, repetitions):
    result = run()
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return result, seconds


def main():
    folder = sys.argv[1]
    batch, n, repetitions = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[7])
    a, p, eta = (float(text) for text in sys.argv[4:7])
    v = np.fromfile(f"{folder}/v.f64").reshape(batch, n)
    w = np.fromfile(f"{folder}/w.f64").view(np.complex128).reshape(batch, n)
    (g, dv, gradients), seconds = timed(lambda: numpy_scan(v, w, a, p, eta), repetitions)
    np.ascontiguousarray(g).tofile(f"{folder}/g_numpy.f64")
    np.ascontiguousarray(dv).tofile(f"{folder}/dv_numpy.f64")
    result = {"numpy": {"version": np.__version__, "seconds": seconds, "gradients": list(gradients)}}
    try:
        import torch
    except ImportError as error:
        result["torchError"] = str(error)
    else:
        x = torch.tensor(v)
        for name, program in (
            ("pivots", torch_pivots),
            ("determinants", torch_determinants),
            ("published", torch_published),
        ):
            g, seconds = timed(lambda: program(torch, x, a, p, eta), repetitions)
            g.numpy().tofile(f"{folder}/g_{name}.f64")
            result[name] = {"version": torch.__version__, "seconds": seconds}
    print(json.dumps(result))


main()
