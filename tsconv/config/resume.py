"""The config of a resumed training: its run folder's, with the few keys that may change."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tsconv.config.compose import train_config
from tsconv.config.messages import describe_error
from tsconv.config.overrides import flat_values
from tsconv.config.schema import TrainConfig
from tsconv.config.yaml_files import read_yaml, require_no_resolvers
from tsconv.errors import ConfigError

_FILE = "config.yaml"
# Keys that neither the checkpoint nor the batches depend on.
_MAY_CHANGE = (
    "run_dir", "resume", "plots", "compile", "precision", "threads", "data.path", "data.max_bytes",
    "callbacks.progress", "callbacks.checkpoints", "callbacks.patience", "callbacks.weights",
    "callbacks.weights_tolerance", "logger.name", "trainer.max_steps", "trainer.accelerator",
    "trainer.devices", "trainer.log_every_n_steps", "trainer.val_check_interval",
)  # fmt: skip
# Keys that divide the chunks of an optimizer step: their product stays.
_DIVIDE_A_STEP = ("data.chunks_per_batch", "trainer.accumulate_grad_batches")
_OPEN = (None, "auto")  # values that leave the choice to tsconv: the run folder has it


def train_or_resume_config(
    overrides: Sequence[str] = (), config_dir: str | None = None, needs_path: bool = True
) -> TrainConfig:
    """The config of `tsconv train`; where `resume` is given, that of the run folder it names.

    A resumed training goes on in its own folder, unless `run_dir` names another. A run folder
    without a config.yaml, which an interrupted run of an earlier version left, needs all keys anew.
    needs_path: False where the data to resume with are in memory.

    Raises ConfigError for a key that contradicts the run folder, and for data that are not found.

    >>> train_or_resume_config(["horizon=28"]).horizon
    28
    """
    if not any(o.startswith("resume=") for o in overrides):
        return train_config(overrides, config_dir)
    asked = train_config(["horizon=1", *overrides], config_dir)
    if asked.resume is None:
        return train_config(overrides, config_dir)
    run = Path(asked.resume)
    if not run.is_dir():
        fault = "is not a folder" if run.exists() else "does not exist"
        raise ConfigError(
            f"`resume` (={run}) {fault}: name the run folder of an interrupted training, such as "
            f"runs/<run>"
        )
    if not (run / _FILE).is_file():
        if not any(o.startswith(("horizon=", "experiment=", "+experiment=")) for o in overrides):
            raise ConfigError(
                f"`resume` (={run}): the folder has no {_FILE}; give the keys of that training too"
            )
        return train_config(overrides, config_dir)
    return _merged(run, _given(asked, overrides, config_dir), needs_path)


def stored_config(run: Path, asked_by: str = "resume") -> TrainConfig:
    """The config in the run folder; keys that are newer than it have their defaults.

    asked_by: the key that needs it, for messages. Raises ConfigError where it cannot be read.
    """
    path = run / _FILE
    try:
        default = OmegaConf.structured(train_config(["horizon=1"]))
        found = read_yaml(path)
        require_no_resolvers(found)
        merged = OmegaConf.merge(default, found)
        return cast("TrainConfig", OmegaConf.to_object(merged))
    except ConfigError as error:
        raise ConfigError(f"`{asked_by}`: {error}") from error
    except OmegaConfBaseException as error:
        raise ConfigError(
            f"`{asked_by}`: {path} cannot be read: {describe_error(error)}"
        ) from error


def _given(asked: TrainConfig, overrides: Sequence[str], config_dir: str | None) -> dict[str, Any]:
    """The keys that the overrides set, by themselves or through a group, with their values."""
    named = {o.partition("=")[0].lstrip("+") for o in overrides}
    default = flat_values(dataclasses.asdict(train_config(["horizon=1"], config_dir)))
    return {
        key: value
        for key, value in flat_values(dataclasses.asdict(asked)).items()
        if key in named or (key != "horizon" and value != default.get(key))
    }


def _merged(run: Path, given: dict[str, Any], needs_path: bool) -> TrainConfig:
    """The run folder's config with the given keys; raises ConfigError for one that contradicts."""
    config = dataclasses.asdict(stored_config(run))
    stored = flat_values(config)
    same_chunks = _chunks_of_a_step({**stored, **given}) == _chunks_of_a_step(stored)
    may_change = _MAY_CHANGE + (_DIVIDE_A_STEP if same_chunks else ())
    for key, value in {"run_dir": str(run), **given}.items():
        if value in _OPEN or value == stored.get(key):
            continue
        if key not in may_change:
            raise ConfigError(
                f"`{key}` (={value}): {run} was trained with {stored.get(key)}, and a resumed "
                f"training keeps it; leave the key out, or start a new training without `resume`"
            )
        group, _, name = key.rpartition(".")
        (config[group] if group else config)[name] = value
    if needs_path:
        _require_data(config["data"]["path"], run, "data.path" in given)
    require_no_resolvers(config)
    merged = OmegaConf.merge(OmegaConf.structured(TrainConfig), config)
    return cast("TrainConfig", OmegaConf.to_object(merged))


def _chunks_of_a_step(values: dict[str, Any]) -> object:
    """The chunks of an optimizer step, or what is no number and refused elsewhere."""
    chunks, batches = (values.get(key) for key in _DIVIDE_A_STEP)
    if isinstance(chunks, int) and isinstance(batches, int):
        return chunks * batches
    return chunks, batches


def _require_data(path: str | None, run: Path, is_given: bool) -> None:
    """Raise ConfigError where the relative path of a run's data leads nowhere from here."""
    if path is None:
        raise ConfigError(f"`resume` (={run}) was trained on data in memory: give data.path too")
    here = Path.cwd()
    if is_given or Path(path).is_absolute() or any(here.glob(path)):
        return
    raise ConfigError(
        f"`data.path` (={path}) of {run / _FILE} is not found from {here}: run the command in the "
        f"folder where the training was started, or give data.path too"
    )
