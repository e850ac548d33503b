"""Ids in the names of files: a folder of one series a file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files.csv_start import read_start
from tsconv.data.reading.files import is_excel, is_parquet
from tsconv.data.settings import FileFormat
from tsconv.errors import TsconvError


def id_pattern(files: Sequence[Path]) -> str | None:
    """A regular expression whose group finds what differs in the names of files; None for none.

    >>> id_pattern([Path("store_0017.csv"), Path("store_0021.csv")])
    'store_(.+)\\\\.csv'
    """
    names = [path.name for path in files]
    if len(set(names)) < len(names) or len(names) < 2:
        return None
    # A common start or end that cuts a word or a number, such as store_00, ends before it.
    before = re.sub(r"[A-Za-z0-9]*$", "", _common_start(names))
    after = re.sub(r"^[A-Za-z0-9]*", "", _common_start([name[::-1] for name in names])[::-1])
    if any(len(name) <= len(before) + len(after) for name in names):
        return None
    return f"{re.escape(before)}(.+){re.escape(after)}"


def header_of(path: Path, data: DataConfig) -> list[str]:
    """The names of a CSV file's columns; none where it cannot be read as one."""
    if is_parquet(path) or is_excel(path):
        return []
    try:
        return read_start(path, FileFormat.of(data)).names
    except TsconvError:
        return []


def _common_start(names: Sequence[str]) -> str:
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)
