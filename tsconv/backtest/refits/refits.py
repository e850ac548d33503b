"""A backtest of which each stretch of origins has a network trained on what was known before it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tsconv.backtest.backtest import Backtest, Observer, Part, score_part, unscored, with_parts
from tsconv.backtest.origins import BacktestOrigins
from tsconv.backtest.refits.stretches import Stretch, cut_stretches
from tsconv.backtest.refits.trainings import KEY, Trainings
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.table import Table
from tsconv.errors import BundleError, ConfigError, TsconvError, one_line
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.intervals.wanted import Wanted
from tsconv.forecasting.match import encode_panel, match_panel
from tsconv.forecasting.select import cut_after
from tsconv.notes import Note, NoteKind
from tsconv.text import format_seconds, plural
from tsconv.training.panel_cache import PanelCache


@dataclasses.dataclass(frozen=True)
class Refit:
    """A stretch of origins and where the bundle lies that was trained for it."""

    stretch: Stretch
    place: Path


def refit_origins(origins: BacktestOrigins, has_start: bool) -> BacktestOrigins:
    """The origins that networks trained anew are scored at: all from `start`, or those held out.

    Before them the config was chosen, and no history may be left to train on: nothing is trained
    anew there. Raises ConfigError where nothing was held out and no `start` was given.
    """
    chosen = origins.every if has_start else origins.held_out
    if int(chosen.counts.sum()) == 0:
        raise ConfigError(
            f"`{KEY}` trains anew after the training part, and the training has used all of these "
            f"steps: give `start`, the first step to forecast"
        )
    none = OriginRange(chosen.first, chosen.first - 1, chosen.end, chosen.stride)
    return BacktestOrigins(chosen, none, chosen, origins.seen_steps)


def train_refits(
    trainings: Trainings,
    table: Table,
    panel: Panel,
    origins: OriginRange,
    every: int,
    notify: Callable[[str], None] | None = None,
) -> list[Refit]:
    """Train a network for each stretch that has none yet; all of them are on disk afterwards.

    Args:
        trainings: how, and where the bundles are kept.
        table: that is trained on, each time with what was known at the first origin.
        panel: that is scored; its calendar is cut.
        origins: to score.
        every: steps from one training to the next.
        notify: is called with what it will take, and after each training.

    Raises ConfigError for an `every` below 1, and what a training raises, with its date. After
    Ctrl-C, raises a KeyboardInterrupt that says what is kept.
    """
    whole = build_panel(table, trainings.config.data.freq)
    refits, missing = [], []
    for stretch in cut_stretches(panel, origins, every):
        known = cut_after(table, whole, stretch.time)
        refits.append(Refit(stretch, trainings.place(stretch.time, known)))
        if not (refits[-1].place / "config.json").is_file():
            missing.append(refits[-1])
    say = notify or (lambda _: None)
    say(_plan(len(refits), len(missing), trainings))
    begun = time.perf_counter()
    with PanelCache() as cache:
        for i, refit in enumerate(missing):
            shown = format_zoned_time(refit.stretch.time, panel)
            try:
                known = cut_after(table, whole, refit.stretch.time)
                trainings.train(refit.place, known, cache)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"{len(refits) - len(missing) + i} of {plural(len(refits), 'training')} are "
                    f"kept; the same command goes on with the others"
                ) from None
            except TsconvError as error:
                raise type(error)(
                    f"training on what was known at {shown}: {one_line(error)}"
                ) from error
            left = (time.perf_counter() - begun) / (i + 1) * (len(missing) - i - 1)
            say(
                f"{i + 1} of {plural(len(missing), 'training')} done, on the data up to {shown}"
                + (f"; {format_seconds(left)} left" if i + 1 < len(missing) else "")
            )
    return refits


def score_refits(
    refits: Sequence[Refit],
    trainings: Trainings,
    table: Table,
    bundle: Bundle,
    panel: Panel,
    origins: BacktestOrigins,
    horizon: int,
    observers: Sequence[Observer] = (),
    wanted: Wanted | None = None,
) -> Backtest:
    """Score each stretch by the network that was trained for it; the figures are summed.

    Scales, baselines and rival are those of the bundle, so that the figures stand beside its own.

    Args:
        refits: of `train_refits`, in the order of time.
        trainings: where their bundles are kept.
        table: with the series that are scored.
        bundle: that the backtest is of, with its `panel`.
        origins: of `refit_origins`.
        horizon: steps, at most the network's.
        observers: called with each batch of forecasts.
        wanted: of the forecasts; None: as the bundle has it.

    Raises BundleError where a bundle is gone, DataError where nothing is observed behind any
    origin.
    """
    text = (
        f"{plural(len(refits), 'network')} trained anew along the way: each forecast is by the "
        f"latest one then"
    )
    panel = panel.with_notes([Note(NoteKind.TRAINED_ANEW, text)])
    blank = unscored(bundle, panel, origins, horizon, wanted)
    device = next(bundle.net.parameters()).device
    whole: Part | None = None
    info = dict(bundle.info)
    for refit in refits:
        one = trainings.load(refit.place)
        if one is None:
            raise BundleError(f"{refit.place} is gone: give the command again to train it anew")
        if bundle.info.get("seen_until") is None:  # of an early version, which does not say
            info["seen_until"] = one.info["seen_until"]
        one.net.to(device)
        part = score_part(
            blank, one, _panel_of(one, panel, table), refit.stretch.origins, observers
        )
        if whole is None:
            whole = dataclasses.replace(part, origins=origins.held_out)
        else:
            whole.add(part)
    blank = dataclasses.replace(blank, bundle=dataclasses.replace(bundle, info=info))
    return with_parts(blank, None, whole)


def refit_figures(refits: Sequence[Refit], every: int, panel: Panel) -> dict[str, Any]:
    """What metrics.json says of networks trained anew: how often, and up to when each knew data."""
    return {
        "every": every,
        "n_trainings": len(refits),
        "trained_until": [format_zoned_time(refit.stretch.time, panel) for refit in refits],
    }


def _plan(n_stretches: int, n_missing: int, trainings: Trainings) -> str:
    """What the trainings will take, in one line."""
    if n_missing == 0:
        return f"all {plural(n_stretches, 'training')} are there from before, in {trainings.folder}"
    there = n_stretches - n_missing
    parts = [plural(n_missing, "training")]
    if trainings.seconds is not None:
        each = max(1.0, trainings.seconds)
        parts[0] += f" of about {format_seconds(each)}, {format_seconds(each * n_missing)}"
    if there:
        parts[0] += f" ({there:,} more from before)"
    return f"{parts[0]}; Ctrl-C keeps those that are done, in {trainings.folder}"


def _panel_of(bundle: Bundle, like: Panel, table: Table) -> Panel:
    """The panel as the network takes it, with the series and rows in the order of `like`."""
    panel = match_panel(bundle, table)
    if panel.rows != like.rows:  # rows that begin later come last
        panel = panel.with_rows(list(like.rows))
    return encode_panel(bundle, panel, table.source)
