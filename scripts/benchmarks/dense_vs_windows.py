"""The same network trained by dense chunks and by windows, in one run: forecast origins per second.

    python scripts/benchmarks/dense_vs_windows.py [--steps 20] [--eager] [--float32] [--threads 2]

Both train an ETTh1-sized network (horizon 96, context 336, seven blocks) on the same made-up hourly
series with the same loss, optimizer and precision, compiled and in bfloat16 as `experiment=etth1`
trains. "Dense" takes chunks of 512 origins; "windows" cuts one window of the full history for each
origin and batches 32 of them, as frameworks that cut windows do. It also prints the largest
difference between the forecasts of the two.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import gather
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.reading.table import Table
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.training.step.dense_loss import dense_loss

HORIZON, SERIES, LENGTH = 96, 7, 6000


def made_up_panel() -> Panel:
    """Hourly series with a day, a week and noise."""
    generator = torch.Generator().manual_seed(0)
    step = torch.arange(LENGTH)
    day, week = (
        torch.randn(SERIES, 24, generator=generator),
        torch.randn(SERIES, 168, generator=generator),
    )
    noise = torch.randn(SERIES, LENGTH, generator=generator)
    values = 3 * day[:, step % 24] + week[:, step % 168] + noise
    n = SERIES * LENGTH
    table = Table(
        source="made up",
        ids=tuple(f"s{i}" for i in range(SERIES)),
        codes=torch.arange(SERIES).repeat_interleave(LENGTH).numpy(),
        time=step.repeat(SERIES).numpy(),
        values=values.reshape(n, 1).double().numpy(),
        channels=("y",),
        locations=SourceLocations.of({"made up": n}),
    )
    return build_panel(table)


def measure(
    panel: Panel, chunks: int, n_origins: int, steps: int, compiled: bool, bfloat16: bool
) -> float:
    """Origins per second of training steps: gather, forward, backward, optimizer."""
    torch.manual_seed(0)
    net = ForecastNet(NetSpec(HORIZON, 336, (), hidden=32, levels=7))
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    lengths = panel.lengths
    origins = OriginRange(torch.zeros_like(lengths), lengths - HORIZON - 1, lengths)
    loss_function = torch.compile(dense_loss, dynamic=False) if compiled else dense_loss
    head = HeadConfig("point", None, "mae", "series")
    generator = torch.Generator().manual_seed(1)
    seconds = []
    for _ in range(steps + 3):  # three steps to warm up
        begun = time.perf_counter()
        series = torch.randint(SERIES, (chunks,), generator=generator)
        first = torch.randint(700, LENGTH - HORIZON - n_origins, (chunks,), generator=generator)
        batch = gather(panel, origins, series, first, n_origins, net.history, HORIZON)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss, _ = loss_function(net, batch, torch.ones(chunks, 1, 1), head)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - begun)
    return chunks * n_origins / statistics.median(seconds[3:])


def largest_difference(panel: Panel) -> float:
    """Between dense and windowed forecasts of 256 origins, in float64."""
    net = ForecastNet(NetSpec(HORIZON, 336, (), hidden=32, levels=7)).double().eval()
    torch.nn.init.normal_(net.head.project.weight, std=0.1)
    assert net.linear is not None
    torch.nn.init.normal_(net.linear.weight, std=0.1)
    lengths = panel.lengths
    origins = OriginRange(torch.zeros_like(lengths), lengths - 1, lengths)
    with torch.inference_mode():
        series = torch.zeros(1, dtype=torch.int64)
        dense = gather(
            panel, origins, series, series + 2000, 256, net.history, HORIZON, torch.float64
        )
        together = net(dense.x, dense.mask, 256).values()[0, 0, 0]
        first = 2000 + torch.arange(256)
        one = gather(panel, origins, first * 0, first, 1, net.history, HORIZON, torch.float64)
        apart = net(one.x, one.mask, 1).values()[:, 0, 0, 0]
    return float((together - apart).abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--window-batch", type=int, default=32, help="windows a batch")
    parser.add_argument("--eager", action="store_true", help="compile neither")
    parser.add_argument("--float32", action="store_true", help="both in float32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    panel, how = made_up_panel(), (not options.eager, not options.float32)
    windows = measure(panel, options.window_batch, 1, options.steps, *how)
    dense = measure(panel, 16, 512, options.steps, *how)
    print(f"{'':<28}{'origins/s':>12}")
    print(f"{f'windows, {options.window_batch} a batch':<28}{windows:>12,.0f}")
    print(f"{'dense, 16 chunks of 512':<28}{dense:>12,.0f}")
    print(f"{'ratio':<28}{dense / windows:>12.1f}")
    print(f"largest difference of forecasts in float64: {largest_difference(panel):.1e}")


if __name__ == "__main__":
    main()
