"""The race as a plain function: a config with a budget in, a run folder with the winner out."""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.reading.table import Table
from tsconv.distributed.threads import torch_threads
from tsconv.errors import ConfigError
from tsconv.output.run_files import write_config
from tsconv.race.budget import Budget, Clock
from tsconv.race.candidate import scored_part
from tsconv.race.leaderboard import write_leaderboard
from tsconv.race.race import Race, RaceResult
from tsconv.runs.folder import training_folder
from tsconv.training.lightning.strategy import count_devices
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import check_config
from tsconv.training.refit import SHARE, Fitted
from tsconv.training.run import (
    TrainResult,
    calibrated_scores,
    data_notes,
    refit_run,
    train,
    write_run,
)
from tsconv.training.step.process_settings import deterministic_algorithms


def train_or_race(
    config: TrainConfig,
    table: Table | None = None,
    notify: Callable[[str], None] | None = None,
    panel_cache: PanelCache | None = None,
    started: Callable[[Path], None] | None = None,
) -> TrainResult:
    """Train as `train` does, or race many candidates where the config has a budget.

    The arguments and the result are those of `train`. Ctrl-C ends a race with the best candidate so
    far; before the first one, it raises KeyboardInterrupt and nothing is written.
    """
    if config.budget is None:
        return train(config, table, notify, panel_cache, started)
    if panel_cache is None:
        with PanelCache() as own:
            return train_or_race(config, table, notify, own, started)
    begun = time.perf_counter()
    budget = check_budget(config)
    config = check_config(config)
    with torch_threads(config.threads), deterministic_algorithms(config.deterministic):
        return _race(config, budget, begun, table, notify, panel_cache, started)


def check_budget(config: TrainConfig) -> Budget:
    """The budget of a config that has one; raises ConfigError where it does not go with the rest.

    >>> from tsconv.config.compose import train_config
    >>> check_budget(train_config(["horizon=28", "budget=2m"])).seconds
    120.0
    """
    budget = Budget.parse(str(config.budget))
    if config.deterministic and budget.seconds is not None:
        raise ConfigError(
            f"`deterministic` (=true) does not go with `budget` (={config.budget}), since no two "
            f"races get as far in the same time: give a number of candidates, such as "
            f"budget=12candidates"
        )
    if config.resume is not None:
        raise ConfigError("`resume` goes on with a training, not with a race: leave `budget` out")
    if count_devices(config.trainer) > 1:
        raise ConfigError(
            f"`budget` (={config.budget}) races on one device: leave `trainer.devices` "
            f"(={config.trainer['devices']}) out"
        )
    return budget


def _race(
    config: TrainConfig,
    budget: Budget,
    begun: float,
    table: Table | None,
    notify: Callable[[str], None] | None,
    panel_cache: PanelCache,
    started: Callable[[Path], None] | None,
) -> TrainResult:
    try:
        base = panel_cache.prepare(config, table)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the race had not begun, nothing was written") from None
    part = scored_part(base)
    if part is None:
        if notify is not None:
            notify("no validation part to race on: one training, without a budget")
        return train(dataclasses.replace(config, budget=None), table, notify, panel_cache, started)
    notes = data_notes(base)
    if notify is not None:
        for note in notes:
            notify(str(note))
    with training_folder(config, "race") as record:
        run_dir = record.folder
        try:
            write_config(config, base.reasons, run_dir / "config.yaml")
            if started is not None:
                started(run_dir)
            race = Race(config, base, part, panel_cache, table, Clock(budget, begun), notify)
            found = race.run()
            result = _finish(found, part, run_dir)
            if not race.stopped:
                result = _refit(result, found, race.clock, panel_cache)
        except KeyboardInterrupt:
            if record.is_new:
                shutil.rmtree(run_dir, ignore_errors=True)
            raise KeyboardInterrupt("no candidate was ready, nothing was written") from None
        record.add_figures(result.metrics)
        return dataclasses.replace(result, notes=tuple(notes))


def _finish(found: RaceResult, part: OriginRange, run_dir: Path) -> TrainResult:
    """Score the winner, the only look at the test part, and write the run folder.

    part: the validation origins that were raced on, and are scored again beside the rivals.
    """
    # Another member may take the calendar where the best one does not.
    winner = dataclasses.replace(found.winner.prepared, panel=found.panel)
    net, split = found.net, dataclasses.replace(winner.split, val=part)
    raced = dataclasses.replace(winner, split=split)
    scores, calibration = calibrated_scores(raced, net)
    write_leaderboard(found.leaderboard, run_dir)
    info: dict[str, Any] = {"race": found.summary}
    return write_run(winner, found.trained, net, scores, run_dir, info, calibration)


def _refit(result: TrainResult, found: RaceResult, clock: Clock, cache: PanelCache) -> TrainResult:
    """Refit the networks of the winner in the time that is left."""
    members = found.members
    solving = sum(m.seconds for m in members if m.steps == 0)
    if solving > clock.left:  # a refit is worth less than the time that it would overdraw
        return result
    seconds = max(0.0, clock.left - solving) / len(members)
    most = [
        round(SHARE * m.steps) if math.isinf(seconds) else int(seconds / max(1e-6, m.step_seconds))
        for m in members
    ]
    fitted = [Fitted(m.prepared, m.steps, m.choice) for m in members]
    return refit_run(result, fitted, cache=cache.compile_cache, most_steps=most)
