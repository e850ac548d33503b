"""Time forward + backward of each layer beside PyTorch's layers that do the same, in one run.

    python scripts/benchmarks/layers.py [--repeats 40] [--threads 2] [--device cpu] [--only rowwise]

Milliseconds are medians of interleaved repeats in float32; the ratio is the time of the torch layer
named in the first line of each table over ours (above 1: ours is faster). The last column is the
least memory that any implementation must move (input, output and their gradients once; weights left
out) over the time taken, as a share of what a plain copy reaches on this machine.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.nn import (
    CausalConv1d,
    Conv1d,
    DepthwiseConv1d,
    RowwiseConv1d,
    RowwiseSeparableConv1d,
    SeparableConv1d,
)

DEPTHWISE = [(32, 64, 512, 3, 4), (64, 64, 336, 7, 8), (256, 32, 96, 3, 2), (32, 128, 512, 25, 1)]
ROWS = [(32, 15, 10, 100), (32, 16, 64, 168), (8, 64, 16, 512)]


class Loop(nn.Module):
    """One layer for each row, in a loop: what row-wise layers replace."""

    def __init__(self, rows: list[nn.Module]) -> None:
        super().__init__()
        self.rows = nn.ModuleList(rows)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([row(x[:, :, h]) for h, row in enumerate(self.rows)], dim=2)


class Causal(nn.Module):
    """A PyTorch layer whose input is padded on the left."""

    def __init__(self, layer: nn.Module, left: int) -> None:
        super().__init__()
        self.layer, self.left = layer, left

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(F.pad(x, (self.left, 0)))


def wait(x: Tensor) -> None:
    """Wait until the device of x is done, so that the clock sees its work."""
    if x.is_cuda:
        torch.cuda.synchronize()


def medians(
    layers: dict[str, nn.Module], x: Tensor, grad: Tensor, repeats: int
) -> dict[str, float]:
    """Return milliseconds of forward + backward of each layer; repeats are interleaved."""
    times: dict[str, list[float]] = {name: [] for name in layers}
    compiled = {
        name: torch.compile(layer, dynamic=False) if name.endswith("compiled") else layer
        for name, layer in layers.items()
    }
    for repeat in range(repeats + 3):  # three to warm up and compile
        for name, layer in compiled.items():
            wait(x)
            start = time.perf_counter()
            layer(x).backward(grad)
            wait(x)
            if repeat >= 3:
                times[name].append(1e3 * (time.perf_counter() - start))
            x.grad = None
            layers[name].zero_grad()
    return {name: statistics.median(values) for name, values in times.items()}


def copy_bandwidth(device: str) -> float:
    """Return the bytes a second that a copy of 256 MiB reads and writes."""
    source = torch.ones(64 * 2**20, device=device)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(10):
        wait(source)
        start = time.perf_counter()
        target.copy_(source)
        wait(source)
        seconds.append(time.perf_counter() - start)
    return 2 * source.numel() * 4 / min(seconds)


def table(
    title: str, base: str, layers: dict[str, nn.Module], x: Tensor, repeats: int, bandwidth: float
) -> None:
    """Print one comparison: each layer's time, its ratio to `base`, its share of bandwidth."""
    torch._dynamo.reset()
    layers = {name: layer.to(x.device) for name, layer in layers.items()}
    out = layers[base](x)
    moved = 2 * 4 * (x.numel() + out.numel())
    times = medians(layers, x, torch.randn_like(out), repeats)
    print(f"\n{title}\n{'':<34}{'ms':>8}{base + ' / this':>32}{'bandwidth':>11}")
    for name, ms in times.items():
        share = moved / (ms / 1e3) / bandwidth
        print(f"{name:<34}{ms:>8.2f}{times[base] / ms:>32.2f}{share:>11.0%}", flush=True)


def depthwise(device: str, repeats: int, bandwidth: float) -> None:
    """Compare depthwise convolutions."""
    for b, c, w, k, d in DEPTHWISE:
        x = torch.randn(b, c, w, device=device, requires_grad=True)
        reach = (k - 1) * d
        causal = DepthwiseConv1d(c, k, padding="causal", dilation=d)
        same = DepthwiseConv1d(c, k, padding="same", dilation=d)
        layers = {
            "nn.Conv1d(groups=C)": nn.Conv1d(c, c, k, padding=reach // 2, dilation=d, groups=c),
            "the same, causal": Causal(nn.Conv1d(c, c, k, dilation=d, groups=c), reach),
            "DepthwiseConv1d same": same,
            "DepthwiseConv1d causal": causal,
            "DepthwiseConv1d same, compiled": same,
            "DepthwiseConv1d causal, compiled": causal,
        }
        title = f"depthwise, (B, C, W, k, dilation) = {(b, c, w, k, d)}"
        table(title, "nn.Conv1d(groups=C)", layers, x, repeats, bandwidth)


def flat(device: str, repeats: int, bandwidth: float) -> None:
    """Compare dense and separable convolutions without rows."""
    b, c, w, k = 32, 64, 512, 3
    x = torch.randn(b, c, w, device=device, requires_grad=True)
    dense = {
        "nn.Conv1d": nn.Conv1d(c, c, k, padding=k // 2),
        "Conv1d same": Conv1d(c, c, k, padding="same"),
        "Conv1d same_flux": Conv1d(c, c, k, padding="same_flux"),
        "CausalConv1d": CausalConv1d(c, c, k),
        "CausalConv1d, compiled": CausalConv1d(c, c, k),
    }
    title = f"dense, (B, C, W, k) = {(b, c, w, k)}"
    table(title, "nn.Conv1d", dense, x, repeats, bandwidth)
    pair = nn.Sequential(
        nn.Conv1d(c, c, k, padding=k // 2, groups=c, bias=False), nn.Conv1d(c, c, 1)
    )
    separable = SeparableConv1d(c, c, k, padding="same")
    layers = {
        "pair of nn.Conv1d": pair,
        "SeparableConv1d same": separable,
        "SeparableConv1d same, compiled": separable,
    }
    title = f"separable, (B, C, W, k) = {(b, c, w, k)}"
    table(title, "pair of nn.Conv1d", layers, x, repeats, bandwidth)


def rowwise(device: str, repeats: int, bandwidth: float) -> None:
    """Compare separable and dense convolutions by row."""
    k, left = 3, 2
    for b, c, h, w in ROWS:
        x = torch.randn(b, c, h, w, device=device, requires_grad=True)

        def pair(c: int = c) -> nn.Module:
            return nn.Sequential(nn.Conv1d(c, c, k, groups=c, bias=False), nn.Conv1d(c, c, 1))

        separate = RowwiseSeparableConv1d(c, c, k, padding="causal", n_rows=h)
        shared = RowwiseSeparableConv1d(c, c, k, padding="causal", rows="shared")
        layers: dict[str, nn.Module] = {
            "loop of nn.Conv1d pairs": Causal(Loop([pair() for _ in range(h)]), left),
            "separable shared": shared,
            "separable separate": separate,
            "separable shared, compiled": shared,
            "separable separate, compiled": separate,
        }
        title = f"row-wise separable, causal, k=3, (B, C, H, W) = {(b, c, h, w)}"
        table(title, "loop of nn.Conv1d pairs", layers, x, repeats, bandwidth)
        dense = RowwiseConv1d(c, c, k, padding="same", n_rows=h)
        layers = {
            "nn.Conv2d(1, 3)": nn.Conv2d(c, c, (1, k), padding=(0, 1)),
            "loop of nn.Conv1d": Loop([nn.Conv1d(c, c, k, padding=1) for _ in range(h)]),
            "RowwiseConv1d shared": RowwiseConv1d(c, c, k, padding="same", rows="shared"),
            "RowwiseConv1d separate": dense,
            "nn.Conv2d(1, 3), compiled": nn.Conv2d(c, c, (1, k), padding=(0, 1)),
            "RowwiseConv1d separate, compiled": dense,
        }
        title = f"row-wise dense, k=3, (B, C, H, W) = {(b, c, h, w)}"
        table(title, "nn.Conv2d(1, 3)", layers, x, repeats, bandwidth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parts = {"depthwise": depthwise, "flat": flat, "rowwise": rowwise}
    parser.add_argument("--only", choices=parts)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    bandwidth = copy_bandwidth(options.device)
    print(f"torch {torch.__version__} on {options.device}, {options.threads} threads;", end=" ")
    print(f"a copy moves {bandwidth / 1e9:.0f} GB a second")
    for name, part in parts.items():
        if options.only in (None, name):
            part(options.device, options.repeats, bandwidth)


if __name__ == "__main__":
    main()
