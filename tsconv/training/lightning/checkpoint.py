"""The checkpoint from which a training goes on, exactly."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from tsconv.atomic_write import replace_file
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError
from tsconv.training.lightning.accumulation import ends_step
from tsconv.training.lightning.interruption import StopRequest

_FOLDER, _FILE = "checkpoints", "last.ckpt"


class LastCheckpoint(Checkpoint):
    """Keeps the state of a training in one file, with the random state that dropout draws from.

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
        if trainer.is_global_zero:
            self.path.parent.mkdir(exist_ok=True)
            with replace_file(self.path) as temporary:
                trainer.save_checkpoint(temporary)
        else:  # each rank gathers the state, one writes it
            trainer.save_checkpoint(self.path)
        self.saved_step = trainer.global_step
        self.stop_request.obey()

    def state_dict(self) -> dict[str, Any]:
        states = {"cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = dict(state_dict)


def checkpoint_path(run_dir: Path) -> Path:
    """Where the checkpoint of a run lies.

    >>> checkpoint_path(Path("runs/sales")).as_posix()
    'runs/sales/checkpoints/last.ckpt'
    """
    return run_dir / _FOLDER / _FILE


def resume_path(config: TrainConfig) -> str | None:
    """Return the checkpoint of the run folder that `resume` names; None where it is null.

    Raises ConfigError where that folder holds no checkpoint.
    """
    if config.resume is None:
        return None
    path = checkpoint_path(Path(config.resume))
    if not path.is_file():
        raise ConfigError(f"`resume` (={config.resume}): there is no {path} to go on from")
    return str(path)


def saved_steps(run_dir: Path) -> int:
    """The number of steps that a run's checkpoint holds.

    Raises ConfigError where it cannot be read; FileNotFoundError where there is none.
    """
    path = checkpoint_path(run_dir)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return int(checkpoint["global_step"])
    except (RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as e:
        raise ConfigError(f"`resume`: {path} is damaged: {' '.join(str(e).split())[:200]}") from e
