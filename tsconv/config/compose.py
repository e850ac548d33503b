"""From command-line overrides to a checked config: the only room that knows Hydra.

No config names code: there is no `_target_`, so nothing in a file is ever imported or called.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tsconv.config.schema import DataConfig, ForecastConfig, SweepConfig, TrainConfig
from tsconv.errors import ConfigError, nearest

Schema = TypeVar("Schema")
# Values that need no quotes, whatever stands in them.
_PLAIN = (
    "data.path", "data.row_from_file", "data.id", "data.row", "data.sep", "data.decimal",
    "data.time_format", "data.timezone", "data.future_path", "bundle", "output", "template",
    "plot", "run_dir", "resume", "sweep.storage",
)  # fmt: skip
_OPEN = ("trainer", "hydra", "search_space")  # groups whose keys are checked elsewhere


def config_folder() -> Path:
    """`conf/` of the checkout that this file lies in, else the copy that ships in the wheel."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "conf" / "train.yaml").is_file():
        return checkout / "conf"
    return package / "conf"


def train_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> TrainConfig:
    """Compose and check the config of a training; raises ConfigError naming the key at fault."""
    return _checked(_compose("train", overrides, config_dir), TrainConfig)


@dataclasses.dataclass(frozen=True)
class SweepPlan:
    """What `tsconv sweep` was asked for: how it goes, what it searches, where trials start."""

    sweep: SweepConfig
    search_space: dict[str, Any]
    base: TrainConfig
    choices: dict[str, str]  # group -> which of its files


def sweep_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> SweepPlan:
    """Compose and check the config of a sweep; the ranges themselves are checked by the sweep."""
    composed = _compose("sweep", overrides, config_dir, with_hydra=True)
    OmegaConf.set_readonly(composed, False)
    OmegaConf.set_struct(composed, False)
    choices = dict(composed.pop("hydra").runtime.choices)
    settings = _checked(composed.pop("sweep"), SweepConfig, "sweep")
    try:
        node = composed.pop("search_space") or OmegaConf.create()
        space = OmegaConf.to_container(node, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"`search_space`: {_one_line(error)}") from error
    return SweepPlan(settings, space, _checked(composed, TrainConfig), choices)  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class CheckPlan:
    """What `tsconv check` was asked for: a training, of which the horizon may be open."""

    base: TrainConfig
    horizon: int | None
    output: str | None


def check_plan(overrides: Sequence[str] = (), config_dir: str | None = None) -> CheckPlan:
    """Compose and check the config of a check; raises ConfigError naming the key at fault."""
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
    base = _checked(composed, TrainConfig)
    return CheckPlan(base, None if open_end else base.horizon, output)


def group_names() -> set[str]:
    """The groups of conf/: a key of one of these names chooses a file of it."""
    return {p.name for p in config_folder().iterdir() if p.is_dir()}


def with_values(
    overrides: Sequence[str], values: dict[str, Any], config_dir: str | None = None
) -> TrainConfig:
    """The config of one trial: that of the sweep with further keys set. Groups count as keys."""
    groups = group_names()
    plain = [f"{key}={value}" for key, value in values.items() if key in groups]
    quoted = overrides_from({k: v for k, v in values.items() if k not in groups})
    return sweep_config([*overrides, *plain, *quoted], config_dir).base


def forecast_config(overrides: Sequence[str] = (), config_dir: str | None = None) -> ForecastConfig:
    """Compose and check the config of a forecast; `data` holds only the keys that were set."""
    composed = _compose("forecast", overrides, config_dir)
    given = {k: v for k, v in composed.data.items_ex(resolve=False) if v != "???"}
    _checked(OmegaConf.create(given), DataConfig, "data")
    composed.data = given
    return _checked(composed, ForecastConfig)


def expanded(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of a multirun: every combination of the overrides that have several values.

    Hydra's grammar: a=1,2 or a=choice(1,2), a=range(1,4), group=glob(*). Raises ConfigError.
    """
    try:
        overrides = [_quoted_plain(o) for o in overrides]
        parsed = OverridesParser.create().parse_overrides(overrides=overrides)
        return [list(job) for job in itertools.product(*(_values(o) for o in parsed))]
    except HydraException as error:
        raise ConfigError(_one_line(error)) from error


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    key = override.get_key_element()
    value = override.value()
    if isinstance(value, Glob):
        names = sorted(p.stem for p in (config_folder() / override.key_or_group).glob("*.yaml"))
        return [f"{key}={name}" for name in value.filter(names)]
    if override.is_interval_sweep():
        raise ConfigError(
            f"`{override.input_line}`: an interval has no end of values; search it by tsconv sweep"
        )
    return [f"{key}={v}" for v in override.sweep_string_iterator()]


def overrides_from(settings: dict[str, Any]) -> list[str]:
    """Python values as overrides: {"horizon": 28, "data.id": None} -> ["horizon=28", ...]."""
    return [f"{key}={_quoted(value)}" for key, value in settings.items()]


def _quoted(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(_quoted(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{_quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (int, float)):
        return repr(value)
    # Hydra's grammar: a backslash is itself, but before a quote, where it must be doubled.
    text = re.sub(r"(\\*)('|$)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), str(value))
    return f"'{text}'"


def _quoted_plain(override: str) -> str:
    """Quote the value of a path or the like: spaces, brackets and `=` in it need no care."""
    if override.startswith("+experiment="):  # a place for it is there already
        override = override[1:]
    key, _, value = override.partition("=")
    plain = key in _PLAIN and value and value != "null" and value[0] not in "'\""
    return f"{key}={_quoted(value)}" if plain else override


def _compose(
    name: str, overrides: Sequence[str], config_dir: str | None, with_hydra: bool = False
) -> DictConfig:
    folder = config_folder()
    extra = []
    if config_dir is not None:
        if not Path(config_dir).is_dir():
            raise ConfigError(f"`--config-dir` (={config_dir}) is not a folder")
        extra = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"]
    overrides = [_quoted_plain(o) for o in overrides]
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(folder)):
            base = compose(name)
            _check_keys(base, overrides)
            given = [*_opened(base, overrides), *extra]
            return compose(name, given, return_hydra_config=with_hydra)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_one_line(error)) from error


def _check_keys(base: DictConfig, overrides: Sequence[str]) -> None:
    """Reject an override of a key that does not exist, naming the nearest one that does."""
    known = _flat_keys(OmegaConf.to_container(base, resolve=False))
    groups = group_names()
    for override in OverridesParser.create().parse_overrides(overrides=list(overrides)):
        key = override.key_or_group.lstrip("/").replace("/", ".")
        if override.is_sweep_override():
            raise ConfigError(
                f"`{override.input_line}`: several values for one key; give one, or -m to "
                f"train with each"
            )
        if key in groups or key in known or key.split(".")[0] in _OPEN or override.is_add():
            continue
        names = {*known, *groups}
        found = nearest(key, names)
        if not found:  # the right key in the wrong place, or none
            last = {k.split(".")[-1]: k for k in sorted(names)}
            close = difflib.get_close_matches(key.split(".")[-1], list(last), n=1, cutoff=0.7)
            found = f" (did you mean `{last[close[0]]}`?)" if close else ""
        raise ConfigError(f"unknown config key `{key}`{found}")


def _opened(base: DictConfig, overrides: Sequence[str]) -> list[str]:
    """Let keys be added where any may be: arguments of Lightning's Trainer, ranges of a search.

    Those who read them check them.
    """
    listed = set(base.get("trainer") or ())
    out = []
    for override in overrides:
        key = override.partition("=")[0]
        added = key.startswith("trainer.") and key.removeprefix("trainer.") not in listed
        out.append(f"++{override}" if added or key.startswith("search_space.") else override)
    return out


def _flat_keys(node: Any, prefix: str = "") -> set[str]:
    keys = set()
    for name, value in node.items():
        keys.add(prefix + str(name))
        if isinstance(value, dict):
            keys |= _flat_keys(value, f"{prefix}{name}.")
    return keys


def _checked(composed: DictConfig, schema: type[Schema], prefix: str = "") -> Schema:
    """Merge into the schema, which rejects wrong types and keys, and return plain objects."""
    try:
        OmegaConf.set_struct(composed, False)
        merged = OmegaConf.merge(OmegaConf.structured(schema), composed)
        missing = sorted(OmegaConf.missing_keys(merged))
        if missing:
            raise ConfigError(f"`{missing[0]}` must be given, e.g. {missing[0]}=...")
        return OmegaConf.to_object(merged)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        key = ".".join(k for k in (prefix, str(error.full_key or error.key or "")) if k)
        message = _one_line(error)
        if "not in '" in message:
            known = _flat_keys(OmegaConf.to_container(OmegaConf.structured(schema)), "")
            bare = str(error.full_key or error.key or "")
            raise ConfigError(f"unknown config key `{key}`{nearest(bare, known)}") from error
        raise ConfigError(f"`{key}`: {message}") from error


def _one_line(error: Exception) -> str:
    """The message of Hydra or OmegaConf in one line, without its technical tail."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    noise = ("full_key", "object_type", "reference_type", "See https", "Config search path")
    kept = [line for line in lines if not line.startswith(noise)]
    for at, line in enumerate(kept):
        if line.startswith("Available options"):
            names = [k for k in kept[at + 1 :] if not k.startswith(("provider", "\t"))]
            found = re.sub(r"^In '\w+': ", "", " ".join(kept[:at]))
            return f"{found}; available: {', '.join(names)}"
    if "is not a ListConfig" in kept[0]:
        return "expected a list, e.g. [a, b]"
    return " ".join(kept[:3])
