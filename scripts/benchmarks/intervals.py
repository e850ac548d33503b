"""Coverage of test intervals before and after calibration, of runs that are trained already.

    python scripts/benchmarks/intervals.py quickstart=runs/first:data/seattle_weather.csv ...

For each run: its network's intervals as trained, and calibrated by each kind, on the origins that
its training had not seen. A run of a version without calibration is calibrated here, on the same
validation part. Prints a line for each kind: the coverage of 50%, 80% and 95% intervals, how far
the worst step of the horizon is from 80%, and width and interval score beside those as trained.
"""

from __future__ import annotations

import dataclasses
import sys
import time

from tsconv.backtest.backtest import score_part, unscored
from tsconv.backtest.origins import BacktestOrigins
from tsconv.calibration.choose import KINDS
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.read import read_table
from tsconv.evaluation.metrics import MetricSums
from tsconv.evaluation.report import score
from tsconv.evaluation.scoring import training_scale
from tsconv.evaluation.training_ends import steps_until
from tsconv.forecasting.bundles.bundle import Bundle, load_before_refit, load_bundle
from tsconv.forecasting.intervals.fit import IntervalFit
from tsconv.forecasting.intervals.wanted import Wanted
from tsconv.forecasting.match import encode_panel, match_panel, override_roles

LEVELS = (50.0, 80.0, 95.0)


def parts_of(bundle: Bundle, panel: Panel, steps: int | None) -> tuple[Panel, OriginRange, Split]:
    """The panel cut to `steps`, its test origins, and the split with the validation part."""
    if steps is not None:
        panel = panel.head(steps)
    lengths, horizon = panel.lengths.cpu(), bundle.net.spec.horizon
    trained, seen = (steps_until(bundle.info[k], panel) for k in ("trained_until", "seen_until"))
    val = OriginRange(trained - 1, seen - horizon - 1, seen)
    test = OriginRange(seen - 1, lengths - horizon - 1, lengths)
    return panel, test, Split(val, val, None, trained)


def calibrated(bundle: Bundle, panel: Panel, split: Split) -> Bundle:
    """The bundle with a calibration, fitted here unless it has one."""
    if bundle.calibration is not None:
        return bundle
    fit = IntervalFit(bundle.net, panel, "auto", split.train_end, bundle.season)
    scale = training_scale(panel, split.train_end, bundle.season)
    score(bundle.net, panel, split, scale, (), ("val",), fit=fit)
    return dataclasses.replace(bundle, calibration=fit.found)


def main(runs: list[str]) -> None:
    """Measure each run."""
    for run in runs:
        name, _, rest = run.partition("=")
        folder, path, *cut = rest.split(":")
        bundle = load_before_refit(folder) or load_bundle(folder)
        table = read_table(override_roles(bundle.data, {"path": path}))
        panel = encode_panel(bundle, match_panel(bundle, table, None), table.source)
        panel, test, split = parts_of(bundle, panel, int(cut[0]) if cut else None)
        begun = time.perf_counter()
        bundle = calibrated(bundle, panel, split)
        seconds = time.perf_counter() - begun
        calibration = bundle.calibration
        if calibration is None:
            print(f"{name}: too few validation origins")
            continue
        info = calibration.info
        print(
            f"{name}: auto takes {calibration.kind}; {info['origins']:,} origins worth "
            f"{info['effective_origins']:,}; {seconds:.1f} s with the forecasts; "
            f"{info['chosen_for']}"
        )
        base = None
        for kind in KINDS:
            wanted = Wanted(LEVELS, kind)
            none = OriginRange(test.first, test.first - 1, test.end)
            origins = BacktestOrigins(test, none, test, test.first)
            blank = unscored(bundle, panel, origins, bundle.net.spec.horizon, wanted)
            part = score_part(blank, bundle, panel, test, ())
            figures = part.ours.reduced()[0]
            steps = part.ours.reduced("step")
            base = base or figures
            worst = max(abs(100 * float(s["coverage_80"] or 0) - 80) for s in steps)
            cover = " ".join(f"{100 * float(figures[f'coverage_{k:g}'] or 0):5.1f}" for k in LEVELS)
            ratios = [float(figures[k] or 0) / float(base[k] or 1) for k in ("width_80", "crps")]
            scaled = scaled_score(part.ours)
            chosen = "*" if kind == calibration.kind else " "
            print(
                f"  {chosen} {kind:9s} covers {cover}  worst step {worst:4.1f}  "
                f"width {ratios[0]:.3f}  score {ratios[1]:.4f}  scaled score {scaled:.5f}",
                flush=True,
            )


def scaled_score(sums: MetricSums) -> float:
    """The mean interval score in units of each series' training deviation."""
    pinball, points, std = sums.pinball.sum(-1), sums.sums["points"].sum(-1), sums.scale.std
    used = (std > 0) & (points > 0)
    return float((pinball / std)[used].sum() / points[used].sum())


if __name__ == "__main__":
    main(sys.argv[1:])
