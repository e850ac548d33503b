"""One trial: a config trained and scored on the validation part.

A trial leaves the test part out, as any training does, and never scores it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl

from tsconv.atomic_write import replace_text
from tsconv.config.schema import TrainConfig
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.threads import torch_threads
from tsconv.errors import ConfigError, TrainingError
from tsconv.evaluation.report import score
from tsconv.evaluation.rivals import describe_baseline
from tsconv.output.run_files import find_metric, write_config, write_json
from tsconv.runs.record import fault_line
from tsconv.sweep.machine_faults import is_out_of_memory
from tsconv.text import printable
from tsconv.training.lightning.loop import TrainerResult, run_trainer
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared, check_config
from tsconv.training.ranks import config_on, ranks_for
from tsconv.training.solved_start import SolvedStart, solve_linear_branch, untrained_result
from tsconv.training.step.compile_cache import CompileCache
from tsconv.training.step.process_settings import deterministic_algorithms

# Called with the step, the number of steps and the validation error; True prunes the trial.
Report = Callable[[int, int, float], bool]


class Pruned(optuna.TrialPruned):
    """The trial did worse than others at the same share of their steps; `figures`: what it cost."""

    def __init__(self, figures: dict[str, Any]) -> None:
        super().__init__("pruned")
        self.figures = figures


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The config and the metrics of a trained trial."""

    config: TrainConfig  # every automatic value resolved: trained again, it gives the same figures
    metrics: dict[str, Any]  # as in metrics.json, without a test part


def run_trial(
    config: TrainConfig, panel_cache: PanelCache, folder: Path, report: Report
) -> Outcome:
    """Train and validate one config; writes config.yaml and metrics.json into `folder`.

    panel_cache: holds the panel that all trials of a worker share.
    report: called after each validation.

    Raises Pruned where `report` returns True, and whatever else stops the training.
    """
    bare = check_config(_without_extras(config))
    ranks = ranks_for(bare, panel_cache.rank_pool)
    bare, reasons = config_on(ranks, bare)
    with torch_threads(bare.threads), deterministic_algorithms(bare.deterministic):
        prepared = require_validation(panel_cache.prepare(bare))
        folder.mkdir(parents=True, exist_ok=True)
        start = solve_linear_branch(prepared)
        done = ranks.run(
            _train_and_score,
            prepared,
            folder,
            start,
            cache=panel_cache.compile_cache,
            report=report,
        )
    if isinstance(done, Pruned):
        raise done
    trained, metrics = done
    resolved = _with_extras(trained.resolve(prepared.config), config)
    reasons = {**prepared.reasons, **reasons, **start.reasons, **trained.reasons}
    write_config(resolved, reasons, folder / "config.yaml")
    write_json(metrics, folder / "metrics.json")
    return Outcome(resolved, metrics)


def _train_and_score(
    ranks: Ranks,
    prepared: Prepared,
    folder: Path,
    start: SolvedStart,
    cache: CompileCache | None = None,
    report: Report = lambda step, steps, error: False,
) -> tuple[TrainerResult, dict[str, Any]] | Pruned:
    """What every rank does of a trial: the Trainer's result, and the trial's metrics.

    report: of rank 0, which decides on pruning for all.
    """
    reporter = _ProgressReporter(prepared.config.trainer["max_steps"], report, ranks)
    with torch_threads(prepared.config.threads), ranks.own_cores():
        prepared.seed_process()
        module, data = prepared.module(), prepared.data(ranks.rank, ranks.size)
        try:
            if prepared.config.model.stack:
                trained = run_trainer(
                    module, data, prepared.config, folder, [reporter], cache, ranks=ranks
                )
            else:
                trained = untrained_result(prepared, start)
        except Pruned as pruned:
            return pruned
        trained = start.counted(trained)
        scores = score(
            prepared.net,
            prepared.panel,
            prepared.split,
            prepared.scale,
            prepared.baselines,
            parts=("val",),
            ranks=ranks,
        )
    return trained, {**trained.figures, **scores, "val_error_by_percent": reporter.curve}


def require_validation(prepared: Prepared) -> Prepared:
    """Return what is given, or raise ConfigError where its validation part is empty."""
    split = prepared.split
    if split.val is None or int(split.val.counts.sum()) == 0:
        raise ConfigError(
            f"`split.val_size` (={prepared.config.split.val_size}) leaves no forecast to "
            f"validate on, and a sweep compares trials by the validation part"
        )
    return prepared


def objective_values(metrics: dict[str, Any], names: list[str]) -> list[float]:
    """The values of the objectives `names`, such as `val.mae`, in the metrics of a trial.

    Raises TrainingError for one that is missing or not finite.

    >>> objective_values({"val": {"mae": 1.5}, "train_seconds": 3}, ["val.mae", "train_seconds"])
    [1.5, 3.0]
    """
    values = []
    for name in names:
        value = find_metric(metrics, name)
        if value is None or not math.isfinite(value):
            raise TrainingError(f"`{name}` is {value}: it is not defined for these data")
        values.append(float(value))
    return values


def record_failure(error: Exception, folder: Path) -> dict[str, str]:
    """Write the traceback of a failed trial into error.txt; returns what the study stores.

    Call it while the error is handled.
    """
    with contextlib.suppress(OSError):  # the error may be that the disk is full
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / "error.txt", printable(traceback.format_exc(), keep="\n"))
    kind = "out of memory" if is_out_of_memory(error) else "failed"
    return {"error": fault_line(error)[:500], "kind": kind}


def whole_part_figures(part: dict[str, Any]) -> dict[str, Any]:
    """The figures of a part of metrics.json, without those by row and by channel.

    >>> whole_part_figures({"mae": 1.5, "by_row": {"north": {"mae": 1.4}}})
    {'mae': 1.5}
    """
    return {k: v for k, v in part.items() if not isinstance(v, dict)}


def rival_figures(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """The best simple forecast beside a trial, in words, and its validation figures.

    metrics: as `metrics.json` has them. None where no simple forecast has an error.
    """
    key = metrics["rival"]
    if key is None:
        return None
    figures = whole_part_figures(metrics["val"]["baselines"][key])
    return {"name": describe_baseline(key, metrics["baseline_steps"][key]), "val": figures}


class _ProgressReporter(pl.Callback):
    """Reports the validation error, of the averaged weights, after each validation."""

    def __init__(self, steps: int, report: Report, ranks: Ranks) -> None:
        self.steps, self.report, self.ranks = steps, report, ranks
        self.curve: dict[int, float] = {}  # percent of the steps -> val_error
        self._begun = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begun = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        error = float(trainer.callback_metrics["val_error"])
        percent = round(100 * trainer.global_step / self.steps)
        self.curve[percent] = error
        if self.ranks.broadcast(self.report(trainer.global_step, self.steps, error)):
            seconds = round(time.perf_counter() - self._begun, 3)
            steps = trainer.global_step
            raise Pruned({"train_seconds": seconds, "train_steps": steps})


def _without_extras(config: TrainConfig) -> TrainConfig:
    """The config without checkpoints, logger, plots and the like, which change no figure."""
    callbacks = dataclasses.replace(config.callbacks, checkpoints=False, progress=False)
    logger = dataclasses.replace(config.logger, name="none")
    return dataclasses.replace(
        config, callbacks=callbacks, logger=logger, plots=False, run_dir=None, resume=None
    )


def _with_extras(resolved: TrainConfig, asked: TrainConfig) -> TrainConfig:
    """The resolved config, with what `_without_extras` took away as it is in `asked`."""
    callbacks = dataclasses.replace(
        resolved.callbacks,
        checkpoints=asked.callbacks.checkpoints,
        progress=asked.callbacks.progress,
    )
    return dataclasses.replace(
        resolved, callbacks=callbacks, logger=asked.logger, plots=asked.plots
    )
