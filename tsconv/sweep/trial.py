"""One trial: its config trained and validated, and the panel that the next one shares.

The test part is neither scored nor looked at; it is only left out, as in any training.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytorch_lightning as pl
import torch

from tsconv.config.schema import TrainConfig
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError, TrainingError
from tsconv.evaluation.scoring import score
from tsconv.output.run_files import find_metric, write_config, write_json
from tsconv.training.loop import fit
from tsconv.training.prepare import PanelCache, Prepared

Report = Callable[[int, int, float], bool]


class Pruned(optuna.TrialPruned):
    """A trial that did worse than others had at the same share of their steps."""

    def __init__(self, figures: dict[str, Any]) -> None:
        super().__init__("pruned")
        self.figures = figures


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a trained trial leaves."""

    config: TrainConfig  # without open ends: trained again, it gives the same figures
    metrics: dict[str, Any]  # as in metrics.json, without a test part


def run_trial(config: TrainConfig, workshop: PanelCache, folder: Path, report: Report) -> Outcome:
    """Train and validate one config; writes config.yaml and metrics.json into the folder.

    `report` is called after each validation with the step, the number of steps and the validation
    error; where it returns True, the trial is pruned. Raises `Pruned`, or whatever stopped the
    training.
    """
    prepared = validated(workshop.prepare(_bare(config)))
    folder.mkdir(parents=True, exist_ok=True)
    watch = _Watch(prepared.config.trainer["max_steps"], report)
    module, data = prepared.module(), prepared.data()
    fitted = fit(module, data, prepared.config, folder, prepared.reasons, [watch], workshop.shapes)
    scores = score(
        prepared.net,
        prepared.panel,
        prepared.split,
        prepared.scale,
        prepared.season,
        parts=("val",),
    )
    metrics = {**fitted.figures, **scores, "val_error_by_percent": watch.curve}
    settled = _as_asked(fitted.settle(prepared.config), config)
    write_config(settled, prepared.reasons, folder / "config.yaml")
    write_json(metrics, folder / "metrics.json")
    return Outcome(settled, metrics)


def validated(prepared: Prepared) -> Prepared:
    """What was given. Raises ConfigError where there is no validation part to choose by."""
    split = prepared.split
    if split.val is None or int(split.val.counts.sum()) == 0:
        raise ConfigError(
            f"`split.val_size` (={prepared.config.split.val_size}) leaves no forecast to "
            f"validate on, and the validation part is what a sweep chooses by"
        )
    return prepared


def objective_values(metrics: dict[str, Any], names: list[str]) -> list[float]:
    """The objectives of a trial. Raises TrainingError for one that is not a finite number."""
    values = []
    for name in names:
        value = find_metric(metrics, name)
        if value is None or not math.isfinite(value):
            raise TrainingError(f"`{name}` is {value}: it is not defined for these data")
        values.append(float(value))
    return values


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the machine had no memory left."""
    text = str(error).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in text or "can't allocate memory" in text)
    )


def fingerprint(panel: Panel) -> str:
    """A hash of what a panel holds, so that all trials of a study are of the same data."""
    digest = hashlib.sha256()
    digest.update(json.dumps([panel.ids, panel.channels, panel.rows], default=str).encode())
    digest.update(np.asarray(panel.start).tobytes())
    digest.update(panel.lengths.cpu().numpy().tobytes())
    digest.update(panel.values.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


class _Watch(pl.Callback):
    """Reports the progress of a trial; the validation error is that of the averaged weights."""

    def __init__(self, steps: int, report: Report) -> None:
        self.steps, self.report = steps, report
        self.curve: dict[int, float] = {}  # percent of the steps -> val_error
        self._begun = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begun = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        error = float(trainer.callback_metrics["val_error"])
        percent = round(100 * trainer.global_step / self.steps)
        self.curve[percent] = error
        if self.report(trainer.global_step, self.steps, error):
            seconds = round(time.perf_counter() - self._begun, 3)
            steps = trainer.global_step
            raise Pruned({"train_seconds": seconds, "train_steps": steps})


def _bare(config: TrainConfig) -> TrainConfig:
    """The config without what a trial leaves out; none of it touches the figures."""
    callbacks = dataclasses.replace(config.callbacks, checkpoints=False, progress=False)
    logger = dataclasses.replace(config.logger, name="none")
    return dataclasses.replace(
        config, callbacks=callbacks, logger=logger, plots=False, run_dir=None, resume=None
    )


def _as_asked(settled: TrainConfig, asked: TrainConfig) -> TrainConfig:
    """The settled config, with what the trial had left out as it was asked for."""
    callbacks = dataclasses.replace(
        settled.callbacks,
        checkpoints=asked.callbacks.checkpoints,
        progress=asked.callbacks.progress,
    )
    return dataclasses.replace(settled, callbacks=callbacks, logger=asked.logger, plots=asked.plots)
