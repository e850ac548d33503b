"""What averaging gradients costs a step: measured between two processes here, on paper elsewhere.

    python scripts/benchmarks/communication.py

The gradients of a network of P parameters travel in one bucket of 4 P bytes, and three numbers of
the step's mean after them. Two processes of this machine all-reduce the same by gloo; the median of
many turns is shown. On paper, a ring moves 2 (N - 1) / N of the bytes through each link, and each
of the two messages waits for 2 (N - 1) latencies.
"""

from __future__ import annotations

import statistics
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec

TURNS, PORT, MESSAGES = 200, 29517, 2
QUANTILES = tuple(q / 10 for q in range(1, 10))
NETS = {  # as tsconv resolves them for the data of the repository
    "32 hidden, 5 levels, horizon 28": NetSpec(
        horizon=28, context_length=84, hidden=32, levels=5, linear=True, quantiles=QUANTILES
    ),
    "experiment=etth1": NetSpec(
        horizon=96, context_length=336, seasonal_lags=(24,), hidden=32, levels=7, linear=True
    ),
    "experiment=tourism": NetSpec(
        horizon=12, context_length=72, seasonal_lags=(12,), hidden=32, levels=5,
        linear=True, rows="pooled", n_rows=4, cross_row="mean", quantiles=QUANTILES,
    ),
    "experiment=beijing_air": NetSpec(
        horizon=24, context_length=168, seasonal_lags=(24,), hidden=64, levels=6, rows="pooled",
        n_rows=12, cross_row="dense", channels="mixed", n_targets=3, n_past=8, linear=True,
        quantiles=QUANTILES,
    ),
}  # fmt: skip
LINKS = {  # bytes a second one way, seconds of latency
    "NVLink 4 (450 GB/s)": (450e9, 3e-6),
    "PCIe 4 x16 (25 GB/s)": (25e9, 5e-6),
    "Ethernet 100 Gb/s": (12.5e9, 20e-6),
    "Ethernet 10 Gb/s": (1.25e9, 50e-6),
}


def ring_seconds(n_bytes: int, ranks: int, bandwidth: float, latency: float) -> float:
    """The time of a step's ring all-reduces (Patarasuk & Yuan 2009)."""
    return 2 * (ranks - 1) / ranks * n_bytes / bandwidth + MESSAGES * 2 * (ranks - 1) * latency


def measure(rank: int, sizes: list[int], seconds: object) -> None:
    """Median seconds of a step's all-reduces, for each number of parameters."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{PORT}", rank=rank, world_size=2)
    for place, size in enumerate(sizes):
        bucket, mean, times = torch.zeros(size), torch.zeros(3, dtype=torch.float64), []
        for _ in range(TURNS):
            dist.barrier()
            begun = time.perf_counter()
            dist.all_reduce(bucket)
            dist.all_reduce(mean)
            times.append(time.perf_counter() - begun)
        if rank == 0:
            seconds[place] = statistics.median(times)  # type: ignore[index]
    dist.destroy_process_group()


def main() -> None:
    """Print a line for each network."""
    sizes = [sum(p.numel() for p in ForecastNet(spec).parameters()) for spec in NETS.values()]
    seconds = mp.get_context("spawn").Array("d", len(sizes))
    mp.start_processes(measure, (sizes, seconds), nprocs=2, start_method="spawn")
    print("milliseconds a step                  parameters  2 processes here  " + "  ".join(LINKS))
    for name, size, took in zip(NETS, sizes, seconds, strict=True):
        paper = "  ".join(
            f"{1e3 * ring_seconds(4 * size, 2, *link):.3f} / "
            f"{1e3 * ring_seconds(4 * size, 8, *link):.3f}"
            for link in LINKS.values()
        )
        print(f"{name:36} {size:10,}  {1e3 * took:.2f}  {paper}   (2 / 8 ranks)")


if __name__ == "__main__":
    main()
