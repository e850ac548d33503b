"""The loggers of a training: a file of its own, or one of three tools whose packages are extras."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tsconv.errors import ConfigError, require_choice

if TYPE_CHECKING:  # whoever only checks the name need not wait for Lightning
    from pytorch_lightning.loggers import Logger

# Name of a logger -> the packages of which it needs one.
_PACKAGES = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "mlflow": ("mlflow",),
    "wandb": ("wandb",),
}


def _csv(run_dir: Path) -> Logger:
    """`log/metrics.csv`; where a run that is resumed has one, the next in `log_2`, and so on.

    Lightning's logger would delete the earlier file.
    """
    from pytorch_lightning.loggers import CSVLogger

    names = ["log", *(f"log_{n}" for n in range(2, 1000))]
    free = next((n for n in names if not (run_dir / n / "metrics.csv").exists()), names[-1])
    return CSVLogger(run_dir, name="", version=free)


def _tensorboard(run_dir: Path) -> Logger:
    """Events in `log/`, beside those of the run that is resumed."""
    from pytorch_lightning.loggers import TensorBoardLogger

    return TensorBoardLogger(run_dir, name="", version="log")


def _mlflow(run_dir: Path) -> Logger:
    """A run of the experiment `tsconv`: on the server of MLFLOW_TRACKING_URI, else in a file."""
    from pytorch_lightning.loggers import MLFlowLogger

    folder = run_dir.resolve()
    address = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
    artifacts = None if "MLFLOW_TRACKING_URI" in os.environ else (folder / "mlruns").as_uri()
    return MLFlowLogger(
        "tsconv", run_name=run_dir.name, tracking_uri=address, artifact_location=artifacts
    )


def _wandb(run_dir: Path) -> Logger:
    """A run of the project WANDB_PROJECT, else `tsconv`, sent only where WANDB_MODE is online."""
    from pytorch_lightning.loggers import WandbLogger

    project = os.environ.get("WANDB_PROJECT", "tsconv")
    offline = os.environ.get("WANDB_MODE", "offline") != "online"
    return WandbLogger(name=run_dir.name, save_dir=run_dir, project=project, offline=offline)


LOGGERS: dict[str, Callable[[Path], Logger | bool]] = {
    "none": lambda run_dir: False,
    "csv": _csv,
    "tensorboard": _tensorboard,
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
