"""Bundles that somebody has changed, with checksums that are right again, as a forger would."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tsconv.forecasting.bundles.config_file import CHECKSUMS, sealed_text

FILES = ("config.json", "model.safetensors", "calibration.safetensors")


def config_of(folder: Path) -> dict[str, Any]:
    """The values of config.json, without its checksums."""
    values: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values.pop(CHECKSUMS, None)
    return values


def seal(folder: Path, values: dict[str, Any] | None = None) -> None:
    """Write config.json with other values, None for its own, and the checksums of all files."""
    values = config_of(folder) if values is None else values
    sums = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in FILES[1:]
        if (folder / name).is_file()
    }
    (folder / "config.json").write_text(sealed_text(values, sums), encoding="utf-8")


def update_config(folder: Path, group: str, changes: dict[str, Any]) -> None:
    """Change values in a group of config.json, "" for its top, and let its checksum fit."""
    values = config_of(folder)
    inner = values
    for key in group.split(".") if group else ():
        inner = inner[key]
    inner.update(changes)
    seal(folder, values)
