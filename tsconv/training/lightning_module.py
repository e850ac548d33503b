"""The LightningModule: the dense loss, the optimizer and its schedule. Nothing else."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from tsconv.config.schema import HeadConfig, OptimizerConfig, SchedulerConfig
from tsconv.data.batches.chunks import Batch
from tsconv.errors import ConfigError, require_choice
from tsconv.evaluation.losses import masked_mean, point_loss, quantile_loss
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.network import ForecastNet
from tsconv.nn.rows import DEVIATION

OPTIMIZERS = ("adamw",)
SCHEDULERS = ("one_cycle", "cosine", "constant")


@dataclasses.dataclass(frozen=True)
class DenseErrors:
    """What a forward over a batch missed; see `dense_errors` for the shapes."""

    levels: list[Tensor]  # each (B, T, H, O, horizon), observed minus forecast
    weight: Tensor  # (B, T, H, O, horizon), 1 where an error counts
    unit: Tensor  # (B, T, H, O, 1), what the errors count in, as one over it


def dense_errors(
    net: ForecastNet,
    x: Tensor,
    mask: Tensor,
    y: Tensor,
    y_mask: Tensor,
    valid: Tensor,
    unit: Tensor,
    loss_scale: str,
    known: CovariateBatch | None = None,
) -> DenseErrors:
    """Errors of every quantile over every origin and horizon step of a batch.

    x, mask, y, y_mask, valid, known: see `Batch`; plain tensors, so that the whole of it compiles.

    unit: (B, T, H), one over each series' training deviation; 0 leaves a series out. With
    `loss_scale="series"` errors count in that unit, with "origin" in the trailing spread at each
    origin. Masked targets, and origins whose context is empty, do not count.
    """
    horizon = net.spec.horizon
    out = net(x, mask, valid.shape[1], known=known)
    target = y.unfold(-1, horizon, 1)  # (B, T, H, O, horizon), a view
    usable = valid[:, None, None] & (out.n_observed > 0)  # (B, T, H, O)
    per = out.inverse if loss_scale == "origin" else unit.unsqueeze(-1).expand_as(out.inverse)
    weight = y_mask.unfold(-1, horizon, 1) * (usable & (per > 0)).unsqueeze(-1)
    scaled = (target - out.mu.unsqueeze(-1)) * per.unsqueeze(-1)  # (B, T, H, O, horizon)
    spread = (out.sigma * per).unsqueeze(-1)  # (B, T, H, O, 1)
    return DenseErrors([scaled - level * spread for level in out.levels], weight, per.unsqueeze(-1))


def dense_loss(
    net: ForecastNet,
    x: Tensor,
    mask: Tensor,
    y: Tensor,
    y_mask: Tensor,
    valid: Tensor,
    unit: Tensor,
    loss: str,
    loss_scale: str,
    known: CovariateBatch | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean loss over every origin and horizon step of a batch, and the number of terms."""
    errors = dense_errors(net, x, mask, y, y_mask, valid, unit, loss_scale, known)
    return _mean_loss(net, errors, loss), errors.weight.sum()


def _mean_loss(net: ForecastNet, errors: DenseErrors, loss: str) -> Tensor:
    value = (
        point_loss(errors.levels[0], loss)
        if net.spec.quantiles is None
        else quantile_loss(errors.levels, net.quantiles)
    )
    return masked_mean(value, errors.weight)


class ForecastModule(pl.LightningModule):
    """Trains a ForecastNet on dense batches.

    unit: (S, T, H), see `dense_loss`. `names` are those of the channels and rows that the weights
    belong to; they go into checkpoints. `loss_function` may be replaced by the compiled
    `dense_loss`; it serves the training steps alone, and the network keeps the keys of its state
    dict.
    """

    unit: Tensor

    def __init__(
        self,
        net: ForecastNet,
        unit: Tensor,
        names: dict[str, list[str]],
        head: HeadConfig,
        optimizer: OptimizerConfig,
        scheduler: SchedulerConfig,
        max_steps: int,
    ) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("unit", unit.float(), persistent=False)
        self.names = names
        self.head, self.optimizer, self.scheduler = head, optimizer, scheduler
        self.max_steps = max_steps
        self.loss_function = dense_loss
        self._val: list[Tensor] = []

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The names, so that a resumed run does not train on with rows or channels swapped."""
        checkpoint["tsconv_names"] = self.names

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raise ConfigError where the checkpoint's channels or rows are not those of the data."""
        for what, theirs in checkpoint.get("tsconv_names", {}).items():
            if theirs != self.names[what]:
                raise ConfigError(
                    f"`resume`: that run's {what} were {', '.join(theirs) or 'none'}, the data has "
                    f"{', '.join(self.names[what]) or 'none'}; give the same in the same order"
                )

    def inputs(
        self, batch: Batch
    ) -> tuple[ForecastNet, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What `dense_errors` takes for a batch, up to the unit."""
        unit = self.unit[batch.series]
        return self.net, batch.x, batch.mask, batch.y, batch.y_mask, batch.valid, unit

    def arguments(self, batch: Batch) -> tuple[Any, ...]:
        """What `dense_loss` takes for a batch."""
        return *self.inputs(batch), self.head.loss, self.head.loss_scale, batch.known

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, _ = self.loss_function(*self.arguments(batch))
        self.log("train_loss", loss.detach(), on_step=True, on_epoch=False)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Sums of the loss, of the median's error in series deviations, and of their counts."""
        loss, loss_scale = self.head.loss, self.head.loss_scale
        inputs = self.inputs(batch)
        errors = dense_errors(*inputs, loss_scale, known=batch.known)
        count = errors.weight.sum().double()
        unit = inputs[-1][..., None, None]  # (B, T, H, 1, 1)
        size = errors.levels[self.net.quantiles.index(0.5)].abs()
        if loss_scale == "origin":
            size = size / errors.unit.clamp_min(1e-30) * unit
        counted = errors.weight * (unit > 0)
        self._val.append(
            torch.stack(
                (
                    _mean_loss(self.net, errors, loss).double() * count,
                    count,
                    (size * counted).sum().double(),
                    counted.sum().double(),
                )
            )
        )

    def on_validation_epoch_end(self) -> None:
        """Reduce sums and counts over batches and ranks: a weighted mean, nothing counted twice.

        `val_loss` is what is trained on; `val_error` is `scaled_mae` of metrics.json, which can be
        compared between trainings whatever their loss.
        """
        zero = torch.zeros(4, dtype=torch.float64, device=self.device)
        total = sum(self._val, start=zero)
        self._val.clear()
        total = self.trainer.strategy.reduce(total, reduce_op="sum")
        for name, at in (("val_loss", 0), ("val_error", 2)):
            mean = total[at] / total[at + 1].clamp_min(1)
            self.log(name, mean.float(), rank_zero_only=True)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _: int) -> Batch:
        """Batches are gathered on the device where the panel is; move what is elsewhere."""
        parts = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
        known = parts.pop("known")
        known = known and CovariateBatch(*(v.to(device) for v in known))
        return Batch(**{name: v.to(device) for name, v in parts.items()}, known=known)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip as asked; Lightning's own refuses fused optimizers, for float16 scaling's sake."""
        if not gradient_clip_val:
            return
        if gradient_clip_algorithm == "value":
            nn.utils.clip_grad_value_(self.parameters(), gradient_clip_val)
        else:
            nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        config = self.optimizer
        require_choice("optimizer.name", config.name, OPTIMIZERS)
        optimizer = torch.optim.AdamW(
            _decayed_apart(self.net, config.weight_decay, config.row_decay),
            lr=config.lr,
            betas=(config.betas[0], config.betas[1]),
            fused=True,
        )
        schedule = Schedule(self.scheduler, self.max_steps)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def _decayed_apart(net: nn.Module, weight_decay: float, row_decay: float) -> list[dict[str, Any]]:
    """Matrices with decay, biases and norms without; the rows' deviations with one of their own."""
    own: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, p in net.named_parameters():
        deviates = name.rpartition(".")[2].startswith(DEVIATION)
        (own if deviates else matrices if p.ndim > 1 else vectors).append(p)
    groups = [(matrices, weight_decay), (vectors, 0.0), (own, row_decay)]
    return [{"params": part, "weight_decay": decay} for part, decay in groups if part]


class Schedule:
    """The learning rate's factor by step: one_cycle (Smith & Topin 2018), cosine or constant."""

    def __init__(self, config: SchedulerConfig, max_steps: int) -> None:
        require_choice("scheduler.name", config.name, SCHEDULERS)
        self.name = config.name
        self.warmup = max(1, round(config.warmup * max_steps))
        self.max_steps = max_steps

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            share = (step + 1) / self.warmup
            rising = 0.04 + 0.96 * (1 - math.cos(math.pi * share)) / 2
            return rising if self.name == "one_cycle" else share
        if self.name == "constant":
            return 1.0
        rest = max(1, self.max_steps - self.warmup)
        share = min(1.0, (step + 1 - self.warmup) / rest)
        return max(1e-5, (1 + math.cos(math.pi * share)) / 2)
