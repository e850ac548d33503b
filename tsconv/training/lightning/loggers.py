"""The loggers of a training: a file of its own, or one of three tools whose packages are extras."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from pytorch_lightning.loggers import (
    CSVLogger,
    Logger,
    MLFlowLogger,
    TensorBoardLogger,
    WandbLogger,
)

from tsconv.errors import ConfigError, require_choice

# Name of a logger -> the packages of which it needs one.
_PACKAGES = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "mlflow": ("mlflow",),
    "wandb": ("wandb",),
}


def _mlflow(run_dir: Path) -> Logger:
    """A run of the experiment `tsconv`, on the server of MLFLOW_TRACKING_URI or in the run folder.

    The address is read now: Lightning reads it when it is imported.
    """
    address = os.environ.get("MLFLOW_TRACKING_URI")
    folder = str((run_dir / "mlruns").resolve())
    return MLFlowLogger("tsconv", run_name=run_dir.name, tracking_uri=address, save_dir=folder)


def _wandb(run_dir: Path) -> Logger:
    """A run of the project WANDB_PROJECT, else `tsconv`, sent only where WANDB_MODE is online."""
    project = os.environ.get("WANDB_PROJECT", "tsconv")
    offline = os.environ.get("WANDB_MODE", "offline") != "online"
    return WandbLogger(name=run_dir.name, save_dir=run_dir, project=project, offline=offline)


LOGGERS: dict[str, Callable[[Path], Logger | bool]] = {
    "none": lambda run_dir: False,
    "csv": lambda run_dir: CSVLogger(run_dir, name="", version="log"),
    "tensorboard": lambda run_dir: TensorBoardLogger(run_dir, name="", version="log"),
    "mlflow": _mlflow,
    "wandb": _wandb,
}


def check_logger(name: str) -> None:
    """Raise ConfigError for a logger that does not exist, or whose package is not installed.

    >>> check_logger("csv")
    """
    require_choice("logger.name", name, LOGGERS)
    packages = _PACKAGES.get(name, ())
    if packages and not any(map(_is_installed, packages)):
        raise ConfigError(
            f"`logger` (={name}) needs the package {packages[0]}, which is not installed: "
            f'pip install "tsconv[{name}]"'
        )


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # a module without a spec stands in for it
        return True
