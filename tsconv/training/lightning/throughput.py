"""Throughput: forecast origins trained on per second, and what the progress shows of them."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from tsconv.training.lightning.accumulation import ends_step
from tsconv.training.lightning.progress import Progress, make_progress
from tsconv.training.step.weighted_mean import WeightedMean

_STEPS_BETWEEN_READINGS = 10  # of the loss: each reading waits for the device


class Throughput(pl.Callback):
    """Counts trained origins and the seconds spent on them, without validation; shows progress.

    Args:
        total_steps: optimizer steps of the training, for the progress.
        show: whether to show the progress, see `make_progress`.
        mean: of the module that is trained: the loss and the origins of each step.

    Chunks that reach beyond a short series count only the origins that exist. The counts are in the
    callback's state: a resumed training goes on with those of the one that was interrupted.
    """

    def __init__(self, total_steps: int, show: bool, mean: WeightedMean) -> None:
        self.total_steps, self.show, self.mean = total_steps, show, mean
        self._counted: Tensor | None = None
        self._resumed_origins = 0
        self.train_seconds = 0.0  # training steps and validations
        self.validation_seconds = 0.0
        self.history: list[tuple[int, float]] = []  # (step, training loss)
        self._progress: Progress | None = None
        self._figures: dict[str, str] = {}  # shown in the progress
        self._begun = self._validation_begun = 0.0

    @property
    def origins(self) -> int:
        """Forecast origins trained on so far, over all ranks, targets and rows."""
        return self._resumed_origins + (0 if self._counted is None else int(self._counted))

    @property
    def origins_per_second(self) -> float:
        """Forecast origins trained on per second of training steps."""
        return self.origins / max(1e-9, self.train_seconds - self.validation_seconds)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begun = time.perf_counter() - self.train_seconds
        if self.show and trainer.is_global_zero:
            self._progress = make_progress(self.total_steps, trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, _: int
    ) -> None:
        if not ends_step(trainer):
            return
        # Stays on the device: reading it at every step would wait for the device at every step.
        count = self.mean.origins
        self._counted = count if self._counted is None else self._counted + count
        if trainer.global_step % _STEPS_BETWEEN_READINGS == 0:
            self.history.append((trainer.global_step, float(self.mean.loss)))
        if self._progress is None:
            return
        if trainer.global_step % _STEPS_BETWEEN_READINGS == 0:
            self.train_seconds = time.perf_counter() - self._begun
            self._figures = {
                "loss": f"{self.history[-1][1]:.4f}",
                "origins/s": f"{self.origins_per_second:,.0f}",
            }
            if "val_loss" in trainer.callback_metrics:
                self._figures["val"] = f"{float(trainer.callback_metrics['val_loss']):.4f}"
        self._progress.update(trainer.global_step, self._figures)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validation_begun = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validation_seconds += time.perf_counter() - self._validation_begun

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.train_seconds = time.perf_counter() - self._begun
        if self._progress is not None:
            self._progress.close()

    def state_dict(self) -> dict[str, Any]:
        return {
            "origins": self.origins,
            "train_seconds": time.perf_counter() - self._begun,
            "validation_seconds": self.validation_seconds,
            "history": self.history,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed_origins = state_dict["origins"]
        self.train_seconds = state_dict["train_seconds"]
        self.validation_seconds = state_dict["validation_seconds"]
        self.history = [(step, loss) for step, loss in state_dict["history"]]

    def on_exception(self, *args: Any) -> None:
        if self._progress is not None:
            self._progress.close()
