"""The LightningModule: training and validation steps, the optimizer and its schedule."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from tsconv.config.schema import HeadConfig, OptimizerConfig, SchedulerConfig
from tsconv.data.batches.chunks import Batch
from tsconv.data.batches.placement import move_batch
from tsconv.errors import ConfigError
from tsconv.forecasting.bundles.networks import names_in_network
from tsconv.model.network import ForecastNet
from tsconv.text import shorten
from tsconv.training.lightning.accumulation import count_batches_anew
from tsconv.training.lightning.gradients import guard_and_clip_gradients
from tsconv.training.lightning.not_finite import NotFinite
from tsconv.training.lightning.optimizer import LearningRateSchedule, make_optimizer
from tsconv.training.step.dense_loss import dense_loss, validation_sums
from tsconv.training.step.training_step import Loss
from tsconv.training.step.weighted_mean import WeightedMean


class ForecastModule(pl.LightningModule):
    """Trains a ForecastNet on dense batches.

    Args:
        net: trained in place.
        inv_scale: (S, T, H), one over each series' training deviation, see `dense_errors`.
        names: of the channels, rows, series and covariates that the weights belong to, for
            checkpoints.
        head, optimizer, scheduler: the config's groups.
        max_steps: of the whole training, for the schedule.

    `loss_function` may be replaced by the compiled `dense_loss`; it serves the training steps
    alone, and the network keeps the keys of its state dict. `step_mean` must be replaced where an
    optimizer step has several batches, or several ranks train.
    """

    inv_scale: Tensor

    def __init__(
        self,
        net: ForecastNet,
        inv_scale: Tensor,
        names: dict[str, list[str]],
        head: HeadConfig,
        optimizer: OptimizerConfig,
        scheduler: SchedulerConfig,
        max_steps: int,
    ) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("inv_scale", inv_scale.float(), persistent=False)
        self.names = names
        self.head, self.optimizer, self.scheduler = head, optimizer, scheduler
        self.max_steps = max_steps
        self.loss_function: Loss = dense_loss
        self.step_mean = WeightedMean()
        self._failures = 0  # steps in a row whose gradient was not finite, in float16
        self._val: list[Tensor] = []

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The names, so that a resumed run does not train on with rows or channels swapped."""
        checkpoint["tsconv_names"] = self.names

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raise ConfigError where the checkpoint's channels or rows are not those of the data.

        A checkpoint of an earlier version has the names of a bundle's tensors.
        """
        for what, theirs in checkpoint.get("tsconv_names", {}).items():
            ours = self.names.get(what, [])
            if theirs != ours:
                raise ConfigError(
                    f"`resume`: that run's {what} were {shorten(theirs, 20) or 'none'}, the data "
                    f"has {shorten(ours, 20) or 'none'}; give the same in the same order"
                )
        tensors = {k.removeprefix("net."): v for k, v in checkpoint["state_dict"].items()}
        tensors = names_in_network(tensors)
        checkpoint["state_dict"] = {f"net.{name}": v for name, v in tensors.items()}
        for schedule in checkpoint["lr_schedulers"]:  # it follows this config's `max_steps`
            schedule["lr_lambdas"] = [None] * len(schedule["lr_lambdas"])
        for state in checkpoint["optimizer_states"]:  # the precision may be another one
            for group in state["param_groups"]:
                group["fused"] = not self._scales_loss
        count_batches_anew(checkpoint, self.trainer.accumulate_grad_batches)

    @property
    def _scales_loss(self) -> bool:
        """Whether training is in float16: a step with an infinite gradient is then skipped."""
        return getattr(self.trainer.precision_plugin, "scaler", None) is not None

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return what the backward pass runs on; the mean of the step is known at its end."""
        loss, count = self.loss_function(self.net, batch, self.inv_scale[batch.series], self.head)
        origins = batch.valid.sum() * batch.y[0, ..., 0].numel()  # over all targets and rows
        return self.step_mean.add(loss, count, origins)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Sums of the loss, of the median's error in series deviations, and of their counts."""
        sums = torch.stack(
            validation_sums(self.net, batch, self.inv_scale[batch.series], self.head)
        )
        if not torch.isfinite(sums).all():
            raise NotFinite(
                f"the validation loss is not finite after step {self.global_step}",
                "lower `optimizer.lr`, or look for extreme values in the data",
                self.global_step,
                batch,
            )
        self._val.append(sums)

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
            self.log(name, mean.float())  # on every rank, since each may stop early by it

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _: int) -> Batch:
        """Batches are gathered on the device where the panel is; move what is elsewhere."""
        return move_batch(batch, device)

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, without the factors of single parameters."""
        return self.optimizer.lr * LearningRateSchedule(self.scheduler, self.max_steps)(step)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Guard and clip in one go; Lightning's own refuses fused optimizers, for float16's sake.

        The Trainer calls it before every optimizer step, also where nothing is clipped.
        """
        factor = self.step_mean.finish()
        self.log("train_loss", self.step_mean.loss, on_step=True, on_epoch=False)
        finite = guard_and_clip_gradients(
            self.parameters(),
            self.global_step,
            gradient_clip_val,
            gradient_clip_algorithm,
            factor,
            failures=self._failures if self._scales_loss else None,
            loss=self.step_mean.loss,
        )
        self._failures = 0 if finite else self._failures + 1

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, and a schedule that counts optimizer steps."""
        optimizer = make_optimizer(self.net, self.optimizer, fused=not self._scales_loss)
        schedule = LearningRateSchedule(self.scheduler, self.max_steps)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
