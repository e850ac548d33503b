"""How often 80% intervals of sums hold: of the horizon, of all series, of both.

    python scripts/benchmarks/sums.py runs/<run>/bundle tourism.csv [--val 24 --test 24 --stride 1]

Forecasts of the test part, calibrated on the validation part (the quantile of each step is where so
many of the validation's values lay below), become sample paths; what was observed is summed too.
The table has, for every sum, the share within the interval, its mean width, and the interval score
(Gneiting and Raftery 2007) as a ratio to independent samples, for several ways to order samples:

- independent: by chance
- ranks: by ranks among the templates, the Schaake shuffle as it was published
- own: by templates and their mirror images, each series by its own
- further: the same, each series by that of another one
- paths: as `tsconv forecast` does it, a mixture of these two
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from tsconv.calibration.dependence import Dependence, DependenceCollector
from tsconv.calibration.knots import normal_scores, values_at
from tsconv.calibration.templates import template_count, template_origins
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import split_panel
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.read import read_table
from tsconv.evaluation.scoring import dense_forecasts
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.match import match_panel, training_row_index
from tsconv.forecasting.sums import paths as paths_module
from tsconv.forecasting.sums.add import sample_quantiles
from tsconv.forecasting.sums.paths import SampleDraw, draw_samples, sample_paths

GRID = (0.01, *(i / 20 for i in range(1, 20)), 0.99)
SUMS: dict[str, Callable[[Tensor], Tensor]] = {  # of (S, T, H, h, ...)
    "one step": lambda v: v,
    "series, horizon": lambda v: v.sum(3),
    "rows together, horizon": lambda v: v.sum((2, 3)),
    "series together, step": lambda v: v.sum(0),
    "series together, horizon": lambda v: v.sum((0, 3)),
    "total, step": lambda v: v.sum((0, 2)),
    "total, horizon": lambda v: v.sum((0, 2, 3)),
}


@dataclasses.dataclass
class Dense:
    """Forecasts of all origins of a part, by their number within the part of each series."""

    levels: Tensor  # (S, O, T, H, h, Q), in original units, NaN where there is none
    observed: Tensor  # (S, O, T, H, h), NaN where nothing was


def dense(bundle: Bundle, panel: Panel, origins: OriginRange) -> Dense:
    quantiles, horizon = bundle.net.quantiles, bundle.net.spec.horizon
    shape = (len(panel), int(origins.counts.max()), len(panel.targets), panel.n_rows, horizon)
    levels = torch.full((*shape, len(quantiles)), torch.nan, dtype=torch.float64)
    observed = torch.full(shape, torch.nan, dtype=torch.float64)
    rows = training_row_index(bundle, panel)
    for found in dense_forecasts(bundle.net, panel, origins, row_index=rows):
        offset = found.observed.offset
        here = torch.stack([v.double() + offset for v in found.levels], dim=-1)
        values = torch.where(found.observed.mask, found.observed.values + offset, torch.nan)
        for b, s in enumerate(found.batch.series.tolist()):
            begin = (int(found.batch.first[b]) - int(origins.first[s])) // origins.stride
            count = min(here.shape[3], int(origins.counts[s]) - begin)
            levels[s, begin : begin + count] = here[b, :, :, :count].movedim(2, 0)
            observed[s, begin : begin + count] = values[b, :, :, :count].movedim(2, 0)
    return Dense(levels, observed)


class Calibration:
    """What share of the validation's values lay below a score, by step: over all series."""

    def __init__(self, scores: Tensor) -> None:
        steps = scores.movedim(-1, 0).flatten(1)  # (h, ...)
        self.sorted = [row[~row.isnan()].sort().values for row in steps]

    def scores(self, raw: Tensor) -> Tensor:
        out = torch.full_like(raw, torch.nan)
        for j, known in enumerate(self.sorted):
            column = raw[..., j].contiguous()
            below = torch.searchsorted(known, column) + torch.searchsorted(
                known, column, right=True
            )
            share = (below / 2 + 0.5) / (len(known) + 1)
            out[..., j] = torch.where(
                column.isnan(), torch.nan, torch.special.ndtri(share.double())
            )
        return out

    def levels(self, raw: Tensor, quantiles: tuple[float, ...]) -> Tensor:
        at = torch.tensor(GRID, dtype=torch.float64)
        scores = torch.stack([torch.quantile(v, at) for v in self.sorted])  # (h, grid)
        return values_at(raw, quantiles, scores.expand(*raw.shape[:-1], len(at)).contiguous())


def draw_with(change: Callable[[SampleDraw, int], SampleDraw]) -> Callable[..., SampleDraw]:
    def draw(dependence: Dependence, n: int, seed: int) -> SampleDraw:
        return change(draw_samples(dependence, n, seed), dependence.pit.shape[1])

    return draw


def all_further(draw: SampleDraw, n_series: int) -> SampleDraw:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, n_series, draw.further.shape, generator=generator)
    return dataclasses.replace(draw, further=drawn)


WAYS: dict[str, Callable[[SampleDraw, int], SampleDraw] | None] = {
    "independent": None,
    "ranks": lambda d, _: SampleDraw(d.template, d.mirrored & False, d.further * 0),
    "own": lambda d, _: dataclasses.replace(d, further=d.further * 0),
    "further": all_further,
    "paths": lambda d, _: d,
}


@contextmanager
def way(change: Callable[[SampleDraw, int], SampleDraw]) -> Iterator[None]:
    paths_module.draw_samples = draw_with(change)
    try:
        yield
    finally:
        paths_module.draw_samples = draw_samples


def judged(samples: Tensor, observed: Tensor) -> Tensor:
    """The intervals of samples (..., n) that hold, their width and score, summed, and how many."""
    low, high = sample_quantiles(samples, (0.1, 0.9)).unbind(-1)
    known = ~observed.isnan() & ~low.isnan()
    low, high, y = low[known], high[known], observed[known]
    score = high - low + 10 * ((low - y).clamp_min(0) + (y - high).clamp_min(0))
    held = ((y >= low) & (y <= high)).double()
    return torch.stack([held.sum(), (high - low).sum(), score.sum(), known.sum().double()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("data")
    parser.add_argument("--val", type=int)
    parser.add_argument("--test", type=int)
    parser.add_argument("--stride", type=int, default=1, help="of the test origins")
    parser.add_argument("--samples", type=int, default=200)
    given = parser.parse_args()
    bundle = load_bundle(given.bundle)
    horizon, quantiles = bundle.net.spec.horizon, bundle.net.quantiles
    table = read_table(dataclasses.replace(bundle.data, path=str(Path(given.data))))
    panel = match_panel(bundle, table, None)
    sizes = (given.val or 2 * horizon, given.test or 2 * horizon)
    split = split_panel(panel, horizon, *sizes, given.stride)
    assert split.val is not None
    assert split.test is not None
    past = dense(bundle, panel, split.val)
    raw = normal_scores([*past.levels.unbind(-1)], quantiles, past.observed)
    calibration = Calibration(raw)
    chosen = template_origins(panel, split.val, template_count(panel, horizon))
    collector = DependenceCollector(chosen, len(panel.targets), panel.n_rows, horizon)
    every = torch.arange(len(panel))
    scores = calibration.scores(raw).movedim(1, 3)  # (S, T, H, O, h)
    collector.add(every, split.val.first.cpu(), 1, scores)
    dependence = collector.finish()
    assert dependence is not None
    print(
        f"{len(dependence.pit)} templates of {len(dependence.series)} series; a share of ", end=""
    )
    print(f"{dependence.donor_share:.2f} of the samples takes those of other series")
    ahead = dense(bundle, panel, split.test)
    totals = {name: torch.zeros(len(SUMS), 4, dtype=torch.float64) for name in WAYS}
    for o in range(ahead.observed.shape[1]):
        levels = calibration.levels(ahead.levels[:, o], quantiles)
        forecast = Forecast(levels, ~levels[..., 0, 0].isnan(), every, every * 0, ())
        for name, change in WAYS.items():
            with way(change or (lambda d, _: d)):
                made = sample_paths(
                    forecast, panel, GRID, dependence if change else None, panel.ids, panel.rows,
                    n=given.samples, seed=o,
                )  # fmt: skip
                drawn = torch.cat([values for _, values in made.blocks()])
            for k, add in enumerate(SUMS.values()):
                totals[name][k] += judged(add(drawn), add(ahead.observed[:, o]))
    print(f"{'':26}" + "".join(f"{name:>26}" for name in WAYS))
    for k, what in enumerate(SUMS):
        cells = []
        for name in WAYS:
            held, width, score, _ = (totals[name][k] / totals[name][k, 3]).tolist()
            ratio = score / float(totals["independent"][k, 2] / totals["independent"][k, 3])
            cells.append(f"{100 * held:9.1f}% {width:8.4g} {ratio:6.2f}")
        print(f"{what:26}" + "".join(cells))


if __name__ == "__main__":
    main()
