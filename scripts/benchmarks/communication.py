"""What averaging gradients costs a step: measured between two processes here, on paper elsewhere.

    python scripts/benchmarks/communication.py

The gradients of a network of P parameters travel in one bucket of 4 P bytes. Two processes of this
machine all-reduce as many bytes by gloo; the median of many turns is shown. On paper, a ring moves
2 (N - 1) / N of the bytes through each link and waits for 2 (N - 1) latencies.
"""

from __future__ import annotations

import statistics
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec

TURNS, PORT = 200, 29517
NETS = {
    "default, horizon 28, context 84": NetSpec(horizon=28, context_length=84),
    "hidden 64, 7 levels, horizon 96": NetSpec(horizon=96, context_length=336, hidden=64, levels=7),
    "hidden 256, 9 levels, horizon 96": NetSpec(
        horizon=96, context_length=336, hidden=256, levels=9
    ),
}
LINKS = {  # bytes a second one way, seconds of latency
    "NVLink 4 (450 GB/s)": (450e9, 3e-6),
    "PCIe 4 x16 (25 GB/s)": (25e9, 5e-6),
    "Ethernet 100 Gb/s": (12.5e9, 20e-6),
    "Ethernet 10 Gb/s": (1.25e9, 50e-6),
}


def ring_seconds(n_bytes: int, ranks: int, bandwidth: float, latency: float) -> float:
    """The time of a ring all-reduce (Patarasuk & Yuan 2009)."""
    return 2 * (ranks - 1) / ranks * n_bytes / bandwidth + 2 * (ranks - 1) * latency


def measure(rank: int, sizes: list[int], seconds: object) -> None:
    """Median seconds of an all-reduce of each size."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{PORT}", rank=rank, world_size=2)
    for place, size in enumerate(sizes):
        bucket, times = torch.zeros(size), []
        for _ in range(TURNS):
            dist.barrier()
            begun = time.perf_counter()
            dist.all_reduce(bucket)
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
