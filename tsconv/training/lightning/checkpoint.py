"""The checkpoint from which a training goes on, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError

_FOLDER, _FILE = "checkpoints", "last.ckpt"


class LastCheckpoint(Checkpoint):
    """Keeps the state of a training in one file, with the random state that dropout draws from.

    Args:
        run_dir: gets `checkpoints/last.ckpt`.
        every_n_steps: where there is no validation; otherwise each validation is followed by a
            checkpoint, which holds its result.

    A training that is resumed then has the weights of one that was never cut short, to the last
    bit. Must be the last of the callbacks, so that all others have finished their part of a step.
    """

    def __init__(self, run_dir: Path, every_n_steps: int) -> None:
        self.path = run_dir / _FOLDER / _FILE
        self.every_n_steps = every_n_steps
        self._device = torch.device("cpu")
        self._resumed: dict[str, Any] = {}  # the random states to go on from

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the random states back; until here, a start draws numbers of its own."""
        self._device = pl_module.device
        if "cpu" in self._resumed:
            torch.set_rng_state(self._resumed["cpu"].cpu())
        if "cuda" in self._resumed and self._device.type == "cuda":
            torch.cuda.set_rng_state(self._resumed["cuda"].cpu(), self._device)
        self._resumed = {}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        validates = sum(trainer.num_val_batches) > 0
        if not validates and trainer.global_step % self.every_n_steps == 0:
            trainer.save_checkpoint(self.path)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.save_checkpoint(self.path)

    def state_dict(self) -> dict[str, Any]:
        states = {"cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = dict(state_dict)


def resume_path(config: TrainConfig) -> str | None:
    """Return the checkpoint of the run folder that `resume` names; None where it is null.

    Raises ConfigError where that folder holds no checkpoint.
    """
    if config.resume is None:
        return None
    path = Path(config.resume) / _FOLDER / _FILE
    if not path.is_file():
        raise ConfigError(f"`resume` (={config.resume}): there is no {path} to go on from")
    return str(path)
