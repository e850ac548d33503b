"""From overrides to checked configs: one function a command, composed by Hydra.

No config names code: there is no `_target_`, so nothing in a file is ever imported or called.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tsconv.config.folder import config_folder, group_names
from tsconv.config.messages import describe_error
from tsconv.config.overrides import (
    allow_new_keys,
    check_keys,
    check_names,
    flat_keys,
    flat_values,
    format_overrides,
    quote_literals,
)
from tsconv.config.schema import (
    BacktestConfig,
    DataConfig,
    ForecastConfig,
    MergeConfig,
    RunsConfig,
    SweepConfig,
    TrainConfig,
)
from tsconv.config.yaml_files import require_no_resolvers, search_path
from tsconv.errors import ConfigError, nearest

Schema = TypeVar("Schema")
# Keys whose values are mappings with names of the user's own.
_FREE_MAPPINGS = ("portfolio.sharing", "portfolio.training", "portfolio.variations")


@dataclasses.dataclass(frozen=True)
class SweepPlan:
    """What `tsconv sweep` was asked for: how it runs, what it searches, where trials start."""

    sweep: SweepConfig
    search_space: dict[str, Any]
    base: TrainConfig
    choices: dict[str, str]  # group -> which of its files


@dataclasses.dataclass(frozen=True)
class CheckPlan:
    """What `tsconv check` was asked for: a training, whose horizon may be left open."""

    base: TrainConfig
    horizon: int | None  # steps; None: not given
    output: str | None


def train_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> TrainConfig:
    """Compose and check the config of a training.

    config_dir: a folder with further files for the groups. Raises ConfigError naming the key at
    fault.

    >>> config = train_config(["horizon=28", "data.path=sales.csv", "scheduler=cosine"])
    >>> config.horizon, config.scheduler.name
    (28, 'cosine')
    """
    return _to_schema(_compose("train", overrides, config_dir), TrainConfig)


def default_config(horizon: int) -> TrainConfig:
    """The config of a training in which nothing but the horizon is given.

    >>> default_config(28).context_length is None
    True
    """
    return train_config([f"horizon={horizon}"])


def sweep_plan(overrides: Sequence[str] = (), config_dir: str | None = None) -> SweepPlan:
    """Compose and check the config of a sweep; the sweep itself checks the ranges.

    Raises ConfigError naming the key at fault.

    >>> plan = sweep_plan(["horizon=28", "sweep.n_trials=50", "search_space=tcn"])
    >>> plan.sweep.n_trials, plan.choices["search_space"]
    (50, 'tcn')
    """
    composed = _compose("sweep", overrides, config_dir, with_hydra=True)
    OmegaConf.set_readonly(composed, False)
    OmegaConf.set_struct(composed, False)
    choices = dict(composed.pop("hydra").runtime.choices)
    settings = _to_schema(composed.pop("sweep"), SweepConfig, "sweep")
    try:
        node = composed.pop("search_space") or OmegaConf.create()
        space = cast("dict[str, Any]", OmegaConf.to_container(node, resolve=True))
    except OmegaConfBaseException as error:
        raise ConfigError(f"`search_space`: {describe_error(error)}") from error
    return SweepPlan(settings, space, _to_schema(composed, TrainConfig), choices)


def trial_config(
    overrides: Sequence[str], values: Mapping[str, Any], config_dir: str | None = None
) -> TrainConfig:
    """The config of one trial: that of the sweep with further keys set, groups among them.

    >>> trial_config(["horizon=28"], {"model.hidden": 32, "head": "point"}).model.hidden
    32
    """
    groups = group_names()
    chosen = [f"{key}={value}" for key, value in values.items() if key in groups]
    quoted = format_overrides({k: v for k, v in values.items() if k not in groups})
    return sweep_plan([*overrides, *chosen, *quoted], config_dir).base


def check_plan(overrides: Sequence[str] = (), config_dir: str | None = None) -> CheckPlan:
    """Compose and check the config of a check; raises ConfigError naming the key at fault.

    >>> check_plan(["data.path=sales.csv"]).horizon is None
    True
    """
    composed = _compose("check", overrides, config_dir)
    OmegaConf.set_struct(composed, False)
    output, open_end = composed.pop("output"), composed.horizon is None
    if open_end:
        composed.horizon = 1  # some horizon, until one is suggested
    output = None if output is None else str(output)
    if output is not None and not output.endswith(".json"):
        raise ConfigError(f"`output` (={output}) must end in .json")
    if output is not None and not Path(output).parent.is_dir():
        raise ConfigError(f"`output` (={output}): the folder {Path(output).parent} does not exist")
    base = _to_schema(composed, TrainConfig)
    return CheckPlan(base, None if open_end else base.horizon, output)


def forecast_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> ForecastConfig:
    """Compose and check the config of a forecast; `data` holds only the keys that were set.

    Raises ConfigError naming the key at fault.

    >>> forecast_config(["bundle=runs/first/bundle", "data.path=sales.csv"]).data
    {'path': 'sales.csv'}
    """
    return _to_schema(
        _with_given_roles(_compose("forecast", overrides, config_dir)), ForecastConfig
    )


def backtest_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> BacktestConfig:
    """Compose and check the config of a backtest; `data` holds only the keys that were set.

    Raises ConfigError naming the key at fault.

    >>> backtest_config(["bundle=runs/first/bundle", "data.path=sales.csv"]).stride
    1
    """
    return _to_schema(
        _with_given_roles(_compose("backtest", overrides, config_dir)), BacktestConfig
    )


def _with_given_roles(composed: DictConfig) -> DictConfig:
    """The config with those keys of `data` alone that were set: the others are the bundle's."""
    given = {k: v for k, v in composed.data.items_ex(resolve=False) if v != "???"}
    _to_schema(OmegaConf.create(given), DataConfig, "data")
    composed.data = given
    OmegaConf.set_struct(composed, False)
    chosen = composed.pop("conformal", None)  # a group, as in training
    composed.conformal = None if chosen is None else chosen.kind
    return composed


def merge_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> MergeConfig:
    """Compose and check the config of a merge; raises ConfigError naming the key at fault.

    >>> merge_config(["output=forecast.csv", "shards=8"]).shards
    8
    """
    return _to_schema(_compose("merge", overrides, config_dir), MergeConfig)


def runs_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> RunsConfig:
    """Compose and check the config of a list of runs; raises ConfigError naming the key at fault.

    >>> runs_config(["dir=runs/sales"])
    RunsConfig(dir='runs/sales', yes=False)
    """
    return _to_schema(_compose("runs", overrides, config_dir), RunsConfig)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ConfigError for a key that `tsconv train` does not take, naming the nearest it takes.

    settings: keys with dots and their values, which are not looked at.

    >>> check_settings({"model.hidden": 32})
    >>> check_settings({"modle.hidden": 32})
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: unknown config key `modle.hidden` (did you mean `model.hidden`?)
    """
    check_names(_root("train"), (key for key in settings if not key.startswith(("+", "~"))))


def known_keys(name: str) -> list[str]:
    """The keys that a command's overrides may set, in the order of `conf/`.

    name: of a root config: check, train, forecast, backtest, merge or sweep.

    >>> known_keys("forecast")[:2]
    ['bundle', 'output']
    """
    keys = (
        next((free for free in _FREE_MAPPINGS if key.startswith(f"{free}.")), key)
        for key in flat_values(_root(name))
    )
    return list(dict.fromkeys(keys))


@functools.cache
def _root(name: str) -> dict[str, Any]:
    """The root config `name` without overrides, as plain containers; not to be changed."""
    with initialize_config_dir(version_base="1.3", config_dir=str(config_folder())):
        return _plain(compose(name))


def _compose(
    name: str, overrides: Sequence[str], config_dir: str | None, with_hydra: bool = False
) -> DictConfig:
    """The root config `name` with the overrides; raises ConfigError."""
    given_path: list[str] = []
    if config_dir is not None:
        if not Path(config_dir).is_dir():
            raise ConfigError(f"`--config-dir` (={config_dir}) is not a folder")
        given_path = [search_path(Path(config_dir).resolve())]
    overrides = quote_literals(overrides)
    try:
        base = _root(name)
        check_keys(base, overrides)
        given = [*allow_new_keys(overrides, base.get("trainer") or ()), *given_path]
        with initialize_config_dir(version_base="1.3", config_dir=str(config_folder())):
            composed = compose(name, given, return_hydra_config=with_hydra)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(describe_error(error)) from error
    require_no_resolvers({k: v for k, v in _plain(composed).items() if k != "hydra"})
    return composed


def _to_schema(composed: DictConfig, schema: type[Schema], prefix: str = "") -> Schema:
    """Merge into the schema, which rejects wrong types and keys, and return plain objects."""
    try:
        OmegaConf.set_struct(composed, False)
        merged = OmegaConf.merge(OmegaConf.structured(schema), composed)
        missing = sorted(OmegaConf.missing_keys(merged))
        if missing:
            raise ConfigError(f"`{missing[0]}` must be given, e.g. {missing[0]}=...")
        return cast("Schema", OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        key_in_schema = str(error.full_key or error.key or "")
        key = ".".join(k for k in (prefix, key_in_schema) if k)
        message = describe_error(error)
        if "not in '" in message:
            known = flat_keys(_plain(OmegaConf.structured(schema)))
            raise ConfigError(
                f"unknown config key `{key}`{nearest(key_in_schema, known)}"
            ) from error
        raise ConfigError(f"`{key}`: {message}") from error


def _plain(node: Any) -> dict[str, Any]:
    """The node as nested dicts and lists, interpolations left as they are."""
    return cast("dict[str, Any]", OmegaConf.to_container(node, resolve=False))
