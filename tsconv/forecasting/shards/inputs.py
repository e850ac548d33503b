"""What a part is made from: parts go together only where all of it is the same."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tsconv.config.schema import DataConfig, ForecastConfig
from tsconv.forecasting.bundles.bundle import bundle_hash
from tsconv.forecasting.outputs import input_files

_SETTINGS = (
    "columns",
    "start",
    "last",
    "series",
    "escape_formulas",
    "levels",
    "conformal",
    "point",
)


def inputs_of(config: ForecastConfig, data: DataConfig, horizon: int) -> dict[str, Any]:
    """The bundle by its hash, the files by name, size and time of change, and the settings.

    data: the roles of the bundle with those of the config in their place. horizon: steps. Settings
    that leave the forecasts as they are, such as `device` and `batch_size`, are not among them.
    """
    from tsconv import __version__

    roles = dataclasses.asdict(data)
    unused = ("path", "future_path", "origins_per_chunk", "chunks_per_batch", "cache", "cache_dir")
    for key in unused:
        roles.pop(key, None)
    settings = {key: getattr(config, key) for key in _SETTINGS}
    settings |= {"horizon": horizon} | {f"data.{key}": value for key, value in roles.items()}
    settings["data.freq"] = config.data.get("freq")
    values = {
        "bundle": bundle_hash(config.bundle),
        "data": _files((data.path,)),
        "future data": _files((data.future_path,)),
        "settings": settings,
        "tsconv": __version__,
    }
    plain: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return plain


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """What differs between two parts' inputs, in words; None for nothing.

    >>> difference({"settings": {"horizon": 7}}, {"settings": {"horizon": 28}})
    'another `horizon`'
    """
    if ours == theirs:
        return None
    names = {
        "bundle": "another bundle",
        "data": "other data (a file's name, size or time of change)",
        "future data": "other future data (a file's name, size or time of change)",
        "tsconv": f"another version of tsconv ({theirs.get('tsconv')})",
    }
    for key, text in names.items():
        if ours.get(key) != theirs.get(key):
            return text
    ours, theirs = ours.get("settings", {}), theirs.get("settings", {})
    wrong = sorted(k for k in {*ours, *theirs} if ours.get(k) != theirs.get(k))
    return "another " + " and ".join(f"`{key}`" for key in wrong)


def _files(patterns: tuple[str | None, ...]) -> list[list[Any]]:
    found = []
    for path in input_files(patterns):
        stat = path.stat()
        found.append([path.name, stat.st_size, stat.st_mtime_ns])
    return found
