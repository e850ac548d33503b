"""The files of a run folder: metrics.json, the resolved config, the overrides."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tsconv.atomic_write import replace_text
from tsconv.config.overrides import flat_values
from tsconv.config.schema import TrainConfig
from tsconv.config.yaml_files import read_yaml
from tsconv.errors import ConfigError


def free_folder(stem: Path) -> Path:
    """Make the folder, or one with a number behind: two that start at once do not share one."""
    for attempt in range(1, 1000):
        folder = stem if attempt == 1 else stem.with_name(f"{stem.name}_{attempt}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
    raise ConfigError(f"no free run folder beside {stem}; set `run_dir`")


def write_json(value: Any, path: Path) -> None:
    """Write a value of plain types as JSON; raises ValueError for NaN.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "metrics.json"
    >>> write_json({"mae": 0.5}, path)
    >>> json.loads(path.read_text())
    {'mae': 0.5}
    """
    replace_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def find_metric(metrics: Mapping[str, Any], name: str) -> float | None:
    """A figure of metrics.json by a name such as `val.mae` or `train_seconds`; None for none.

    >>> find_metric({"val": {"mae": 0.5}, "test": None}, "val.mae")
    0.5
    """
    part, _, key = name.rpartition(".")
    return ((metrics.get(part) or {}) if part else metrics).get(key)


def write_config(config: TrainConfig, reasons: Mapping[str, str], path: Path) -> None:
    """Write the config as it was used, as YAML, with the reason behind each value that was chosen.

    reasons: key with dots -> why its value was chosen from the data.
    """
    text = OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(config)))
    lines: list[str] = []
    path_to_line: list[str] = []  # the keys that lead to the line
    for line in text.splitlines():
        name, colon, _ = line.strip().partition(":")
        reason = None
        if colon and not line.strip().startswith("-"):  # an item of a list has no reason
            depth = (len(line) - len(line.lstrip())) // 2
            path_to_line = [*path_to_line[:depth], name]
            reason = reasons.get(".".join(path_to_line))
        lines.append(f"{line}  # auto: {reason}" if reason else line)
    replace_text(path, "\n".join(lines) + "\n")


def read_reasons(path: Path, config: TrainConfig) -> dict[str, str]:
    """The reasons in an earlier config.yaml, of the values that `config` still has.

    Returns {} where there is no such file.
    """
    if not path.is_file():
        return {}
    earlier, now = flat_values(_plain(path)), flat_values(dataclasses.asdict(config))
    reasons: dict[str, str] = {}
    path_to_line: list[str] = []  # the keys that lead to the line
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, rest = line.strip().partition(":")
        if not colon or name.startswith("-"):
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        path_to_line = [*path_to_line[:depth], name]
        reason, key = rest.partition("  # auto: ")[2], ".".join(path_to_line)
        if reason and earlier.get(key) == now.get(key):
            reasons[key] = reason
    return reasons


def write_overrides(overrides: Sequence[str], config: TrainConfig, folder: Path) -> None:
    """Write `overrides.yaml` and the composed `config.yaml` to a folder, as Hydra does.

    Where the folder has overrides already, as that of a resumed run does, the new ones follow them.
    """
    folder.mkdir(exist_ok=True)
    before = folder / "overrides.yaml"
    earlier = _plain(before) if before.is_file() else []
    asked = OmegaConf.create([*earlier, *(o for o in overrides if o not in earlier)])
    composed = OmegaConf.create(dataclasses.asdict(config))
    replace_text(folder / "overrides.yaml", OmegaConf.to_yaml(asked))
    replace_text(folder / "config.yaml", OmegaConf.to_yaml(composed))


def _plain(path: Path) -> Any:
    """The values of a YAML file; what they refer to is not looked up."""
    return OmegaConf.to_container(read_yaml(path), resolve=False)
