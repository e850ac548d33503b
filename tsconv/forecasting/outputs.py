"""The files that a forecast writes: none takes the place of anything but an earlier forecast."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from tsconv.data.reading.files import find_files
from tsconv.errors import ConfigError, DataError
from tsconv.model.components import is_component

_LOOK = 1 << 14  # bytes at a picture's start and end


def check_free(key: str, path: Path, inputs: Iterable[Path], overwrite: bool) -> None:
    """Raise ConfigError where `path` is an input, or holds anything but a forecast of ours.

    key: the config key that names it. inputs: the files that are read. overwrite: take the place of
    any other file that is not an input.
    """
    if not path.exists():
        return
    for file in inputs:
        if path.samefile(file):
            raise ConfigError(
                f"`{key}` (={path}) is a file that the forecast reads: name another, such as "
                f"{key}={path.with_name(f'{path.stem}_forecast{path.suffix}')}"
            )
    if not overwrite and not _is_ours(path):
        raise ConfigError(
            f"`{key}` (={path}) exists and is not a forecast of tsconv: name another file, or set "
            f"`overwrite=true`"
        )


def check_path(
    key: str, value: str | None, suffixes: Sequence[str], inputs: Iterable[Path], overwrite: bool
) -> None:
    """Raise ConfigError where the file that a key names cannot be written; None names none.

    suffixes: endings that it may have. inputs: the files that are read. overwrite: take the place
    of a file that is none of ours.
    """
    if value is None:
        return
    path = Path(value)
    if path.suffix not in suffixes:
        *first, last = suffixes
        shown = f"{', '.join(first)} or {last}" if first else last
        raise ConfigError(f"`{key}` (={value}) must end in {shown}")
    if not path.parent.is_dir():
        raise ConfigError(f"`{key}` (={value}): the folder {path.parent} does not exist")
    check_free(key, path, inputs, overwrite)


def input_files(patterns: Iterable[str | None]) -> list[Path]:
    """The files that are read, by the values of config keys; what does not exist is left out."""
    found: list[Path] = []
    for pattern in patterns:
        if pattern is not None:
            try:
                found += find_files(str(pattern))
            except DataError:
                continue  # reading says what is wrong with it
    return found


def _is_ours(path: Path) -> bool:
    """Whether a file is an earlier forecast: a table with our last columns, or our picture."""
    try:
        if path.suffix == ".parquet":
            return _are_ours(pyarrow.parquet.read_schema(path).names)
        if path.suffix == ".html":
            with path.open(encoding="utf-8") as page:
                return PAGE_MARK in page.read(_LOOK)
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                return _are_ours(next(csv.reader(file), []))
        with path.open("rb") as picture:
            start = picture.read(_LOOK)
            picture.seek(max(0, path.stat().st_size - _LOOK))
            return PICTURE_TITLE.encode() in start + picture.read()
    except (OSError, ValueError, csv.Error, pa.ArrowException):
        return False


def _are_ours(names: list[str]) -> bool:
    """Whether a header ends as a forecast's: `tsconv`, then intervals, quantiles, components."""
    if "tsconv" not in names:
        return False
    ours = names[names.index("tsconv") + 1 :]
    rest = [name.removeprefix("tsconv-") for name in ours]
    return all(name.startswith("tsconv-") for name in ours) and all(
        is_component(name) or name.startswith(("lo-", "hi-", "q-")) for name in rest
    )


PAGE_MARK = '<meta name="generator" content="tsconv"'  # at the top of a report
PICTURE_TITLE = "tsconv forecast"  # in the metadata of its pictures
