"""Averaged weights: validated in place of the live ones, and the last or best kept."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from tsconv.errors import ConfigError, require_choice
from tsconv.forecasting.bundles.networks import names_in_network
from tsconv.training.lightning.accumulation import ends_step

WEIGHTS = ("auto", "last", "best")


class AveragedWeights(pl.Callback):
    """Keeps an exponential moving average of the weights, and the best one by validation.

    Args:
        decay: of the average at each step (Polyak & Juditsky 1992), at least 0 and below 1; 0
            keeps the weights themselves.

    Validations see the average in place of the weights. Both averages are in the callback's state,
    so that a checkpoint holds them. Raises ConfigError for a decay outside its range.

    >>> average = AveragedWeights(decay=0.98)
    >>> average.average, average.best = {"w": torch.ones(1)}, {"w": torch.zeros(1)}
    >>> average.losses = {10: 0.5, 20: 0.6}
    >>> average.choose("auto", tolerance=0.02)[1]
    'best by validation (validation loss 0.5 at step 10, 0.6 at the end)'
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
        """The step of the lowest validation loss; None before the first validation."""
        return min(self.losses, key=self.losses.__getitem__) if self.losses else None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        current = _copy(_weights(pl_module))
        self.average = {k: v.to(pl_module.device) for k, v in self.average.items()} or current

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        if not ends_step(trainer):
            return
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
        """Return the weights that the bundle gets, by name, and the reason in words.

        Args:
            policy: one of `WEIGHTS`. "auto" prefers the last ones: a rising validation loss mostly
                says that the validation part differs from the rest.
            tolerance: the share of the lowest validation loss by which the last one may exceed it
                before "auto" takes the best.
        """
        require_choice("callbacks.weights", policy, WEIGHTS)
        if policy == "last" or not self.best or self.best_step is None:
            return self.average, "last"
        lowest, last = self.losses[self.best_step], self.losses[max(self.losses)]
        rise = f"validation loss {lowest:.4g} at step {self.best_step}, {last:.4g} at the end"
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
