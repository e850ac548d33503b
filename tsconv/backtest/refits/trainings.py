"""Trainings anew by the config of a run, kept as bundles so that none is done twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tsconv.config.resume import stored_config
from tsconv.config.schema import DataConfig, LoggerConfig, SplitConfig, TrainConfig
from tsconv.data.panel.format_time import format_time
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Times
from tsconv.errors import ConfigError
from tsconv.forecasting.bundles.bundle import Bundle, bundle_folder, load_bundle, save_bundle
from tsconv.training.panel_cache import PanelCache
from tsconv.training.run import train

KEY = "backtest.refit_every"
_NOT_HASHED = ("source", "locations", "notes", "id_columns")  # of a table: no training reads them


@dataclasses.dataclass(frozen=True)
class Trainings:
    """How networks are trained anew, and where their bundles are kept."""

    config: TrainConfig
    folder: Path  # of the bundles
    seconds: float | None  # that the training of the run took; None where it does not say

    def place(self, time: Times, known: Table) -> Path:
        """The folder of the bundle that is trained on `known`, named by the time (1,) of its end.

        Another config, other data and another version of tsconv have another name.
        """
        name = re.sub(r"[^\w-]+", "-", format_time(time[0]))
        return self.folder / f"{name}_{fingerprint(self.config, known)[:12]}"

    def train(self, place: Path, known: Table, cache: PanelCache) -> None:
        """Train on a table and keep the bundle; raises what `train` raises."""
        with tempfile.TemporaryDirectory(prefix="tsconv-refit-") as folder:
            config = dataclasses.replace(self.config, run_dir=folder)
            result = train(config, known, panel_cache=cache)
        save_bundle(result.bundle, place)

    def load(self, place: Path) -> Bundle | None:
        """The bundle that is kept at a place; None where there is none."""
        return load_bundle(place) if (place / "config.json").is_file() else None


def trainings_of(bundle: str | Path, data: DataConfig, freq: str) -> Trainings:
    """How the network of a bundle is trained anew: by the config of its run folder.

    bundle: its folder, or the run folder. data: the roles of the file that is trained on. freq: of
    the bundle. Raises ConfigError where the bundle does not lie in a run folder.
    """
    run = bundle_folder(bundle).resolve().parent
    if run.is_relative_to(Path.cwd()):
        run = run.relative_to(Path.cwd())
    if not (run / "config.yaml").is_file():
        raise ConfigError(
            f"`{KEY}` trains by the config of the bundle's run folder, but {run} has no "
            f"config.yaml: give bundle=runs/<run>, or leave the key out"
        )
    config = config_of_refit(stored_config(run, KEY), data, freq)
    return Trainings(config, run / "refits", _seconds_of(run / "metrics.json"))


def config_of_refit(stored: TrainConfig, data: DataConfig, freq: str) -> TrainConfig:
    """The config of a run with no test part, race, refit, picture or file of its own.

    Sizes, context, steps and seed, which the run's config.yaml has, stay as they are.

    >>> from tsconv.config.compose import train_config
    >>> stored = train_config(["horizon=7", "split.val_size=14", "split.test_size=28"])
    >>> split = config_of_refit(stored, DataConfig(), "D").split
    >>> split.val_size, split.test_size
    (14, 0)
    """
    steps = stored.trainer["max_steps"]
    steps = 1 if steps == 0 else steps  # a linear branch alone has 0, which no config may ask for
    batches = {k: getattr(stored.data, k) for k in ("origins_per_chunk", "chunks_per_batch")}
    return dataclasses.replace(
        stored,
        run_dir=None,
        resume=None,
        budget=None,
        ensemble="false",
        refit="false",
        report=None,
        plots=False,
        data=dataclasses.replace(data, path=None, future_path=None, freq=freq, **batches),
        split=SplitConfig(None, stored.split.val_size, 0),
        trainer={**stored.trainer, "max_steps": steps},
        callbacks=dataclasses.replace(stored.callbacks, progress=False, checkpoints=False),
        logger=LoggerConfig("none"),
    )


def fingerprint(config: TrainConfig, known: Table) -> str:
    """The SHA-256 of all that a training depends on, in hexadecimal: config, data and version."""
    from tsconv import __version__

    found = hashlib.sha256(__version__.encode())
    found.update(json.dumps(dataclasses.asdict(config), default=str, sort_keys=True).encode())
    _feed(found, known)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    """Hash a value of arrays, dataclasses and plain values; field by field, each with its name."""
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype} {value.shape}".encode())
        if value.dtype.kind == "O":
            found.update(repr(value.tolist()).encode())
        else:
            found.update(np.ascontiguousarray(value).tobytes())
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in _NOT_HASHED:
                found.update(field.name.encode())
                _feed(found, getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        found.update(str(len(value)).encode())
        for item in value:
            _feed(found, item)
    else:
        found.update(repr(value).encode())


def _seconds_of(metrics: Path) -> float | None:
    try:
        found = json.loads(metrics.read_text(encoding="utf-8"))["train_seconds"]
        return float(found)
    except (OSError, ValueError, KeyError, TypeError):
        return None
