"""The checkpoint from which a training goes on, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from tsconv.training.lightning.accumulation import ends_step
from tsconv.training.lightning.checkpoints.resume import checkpoint_path
from tsconv.training.lightning.interruption import StopRequest


class LastCheckpoint(Checkpoint):
    """Keeps the state of a training in a file, with the random state that dropout draws from.

    Args:
        run_dir: gets `checkpoints/last.ckpt`.
        every_n_steps: where there is no validation; otherwise each validation is followed by a
            checkpoint, which holds its result.
        stop_request: a training that is asked to stop does so after a step that is kept here.

    The last step is kept too. A training that is resumed then has the weights of one that was never
    cut short, to the last bit. Must be the last of the callbacks, so that all others have finished
    their part of a step.
    """

    def __init__(
        self, run_dir: Path, every_n_steps: int, stop_request: StopRequest | None = None
    ) -> None:
        self.path = checkpoint_path(run_dir)
        self.every_n_steps = every_n_steps
        self.stop_request = stop_request or StopRequest()
        self.saved_step: int | None = None  # of the last checkpoint that this training wrote
        self._device = torch.device("cpu")
        self._resumed: dict[str, Any] = {}  # the random states to go on from

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the random states back; until here, a start draws numbers of its own."""
        self.stop_request.take_signals()
        self._device = pl_module.device
        if "cpu" in self._resumed:
            torch.set_rng_state(self._resumed["cpu"].cpu())
        if "cuda" in self._resumed and self._device.type == "cuda":
            torch.cuda.set_rng_state(self._resumed["cuda"].cpu(), self._device)
        self._resumed = {}

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        validates = sum(trainer.num_val_batches) > 0
        batches = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        if validates and batches % (trainer.val_check_batch or batches + 1) == 0:
            return  # a checkpoint before the validation would lack its result
        if not ends_step(trainer):
            return  # gradients are gathered over several batches, and are not kept
        step = trainer.global_step
        due = step == trainer.max_steps or (not validates and step % self.every_n_steps == 0)
        if due or self.stop_request.requested:
            self._save(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.path)  # each rank gathers the state, one writes it
        self.saved_step = trainer.global_step
        self.stop_request.obey()

    def state_dict(self) -> dict[str, Any]:
        states = {"cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = dict(state_dict)
