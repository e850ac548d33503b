"""Callbacks of a training: averaged weights, throughput and progress."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from tqdm import tqdm

from tsconv.errors import ConfigError, require_choice
from tsconv.forecasting.bundle import names_in_network

WEIGHTS = ("auto", "last", "best")
_EVERY = 10  # steps between readings of the loss


class AveragedWeights(pl.Callback):
    """An exponential moving average of the weights, validated in their place; keeps the best.

    decay: of the average, for each step; 0 means the weights themselves (Polyak & Juditsky 1992).
    Both averages live in the callback's state, so that a checkpoint holds them.
    """

    def __init__(self, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ConfigError(f"`callbacks.ema_decay` (={decay}) must be at least 0 and below 1")
        self.decay = decay
        self.average: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.losses: dict[int, float] = {}  # step -> validation loss
        self._live: dict[str, Tensor] = {}

    @property
    def best_step(self) -> int | None:
        """The step of the lowest validation loss."""
        return min(self.losses, key=self.losses.__getitem__) if self.losses else None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        current = _copy(_weights(pl_module))
        self.average = {k: v.to(pl_module.device) for k, v in self.average.items()} or current

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        weights = _weights(pl_module)
        step = trainer.global_step
        decay = min(self.decay, step / (step + 9))  # the first steps are forgotten sooner
        with torch.no_grad():
            torch._foreach_lerp_(
                [self.average[name] for name in weights], list(weights.values()), 1 - decay
            )

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.average:
            self._live = _copy(_weights(pl_module))
            _load(pl_module, self.average)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss = trainer.callback_metrics.get("val_loss")
        if loss is not None:
            self.losses[trainer.global_step] = float(loss)
            if self.best_step == trainer.global_step:
                self.best = _copy(self.average)
        if self._live:
            _load(pl_module, self._live)
            self._live = {}

    def choose(self, policy: str, tolerance: float) -> tuple[dict[str, Tensor], str]:
        """The weights that the bundle gets, and the reason in words.

        `auto` prefers the last ones: a rising validation loss mostly says that the validation part
        differs from the rest, unless it rose by more than `tolerance` of its minimum.
        """
        require_choice("callbacks.weights", policy, WEIGHTS)
        if policy == "last" or not self.best or self.best_step is None:
            return self.average, "last"
        lowest, last = self.losses[self.best_step], self.losses[max(self.losses)]
        rise = f"validation loss {lowest:.5g} at step {self.best_step}, {last:.5g} at the end"
        if policy == "best" or last > lowest * (1 + tolerance):
            return self.best, f"best by validation ({rise})"
        return self.average, f"last ({rise})"

    def state_dict(self) -> dict[str, Any]:
        return {"average": self.average, "best": self.best, "losses": self.losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.average = names_in_network(state_dict["average"])
        self.best = names_in_network(state_dict["best"])
        self.losses = state_dict["losses"]


def _weights(module: pl.LightningModule) -> dict[str, Tensor]:
    return {name: p.data for name, p in module.get_submodule("net").named_parameters()}


def _copy(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in weights.items()}


def _load(module: pl.LightningModule, weights: dict[str, Tensor]) -> None:
    for name, p in module.get_submodule("net").named_parameters():
        p.data.copy_(weights[name])


class Throughput(pl.Callback):
    """Counts trained origins and the seconds spent on them, validation apart; draws the bar.

    Chunks that reach beyond a short series count only the origins that exist.
    """

    def __init__(self, total_steps: int, show: bool) -> None:
        self.total_steps, self.show = total_steps, show
        self._counted: Tensor | None = None
        self.train_seconds = 0.0  # training steps and validations
        self.validation_seconds = 0.0
        self.history: list[tuple[int, float]] = []  # (step, training loss)
        self._bar: tqdm[Any] | None = None
        self._begun = self._validation_begun = 0.0

    @property
    def origins(self) -> int:
        """Forecast origins trained on so far, over all ranks, targets and rows."""
        return 0 if self._counted is None else int(self._counted)

    @property
    def origins_per_second(self) -> float:
        """Forecast origins trained on per second of training steps."""
        return self.origins / max(1e-9, self.train_seconds - self.validation_seconds)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begun = time.perf_counter()
        if self.show and trainer.is_global_zero:
            self._bar = tqdm(
                total=self.total_steps,
                initial=trainer.global_step,
                desc="train",
                unit="step",
                mininterval=0.5,
                dynamic_ncols=True,
            )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, _: int
    ) -> None:
        # Stays on the device: reading it at every step would wait for the device at every step.
        count = batch.valid.sum() * batch.y[0, ..., 0].numel() * trainer.world_size
        self._counted = count if self._counted is None else self._counted + count
        if trainer.global_step % _EVERY == 0:
            self.history.append((trainer.global_step, float(outputs["loss"])))
        if self._bar is not None:
            self._bar.update()
        if self._bar is not None and trainer.global_step % _EVERY == 0:
            self.train_seconds = time.perf_counter() - self._begun
            figures = {"origins/s": f"{self.origins_per_second:,.0f}"}
            if "val_loss" in trainer.callback_metrics:
                figures["val"] = f"{float(trainer.callback_metrics['val_loss']):.4f}"
            self._bar.set_postfix(figures, refresh=False)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validation_begun = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validation_seconds += time.perf_counter() - self._validation_begun

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.train_seconds = time.perf_counter() - self._begun
        if self._bar is not None:
            self._bar.close()

    def on_exception(self, *args: Any) -> None:
        if self._bar is not None:
            self._bar.close()
