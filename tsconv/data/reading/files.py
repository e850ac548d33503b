"""Files by name or pattern, and one file, CSV, Parquet or Excel, to a frame of the wanted columns.

Local files only.
"""

from __future__ import annotations

import dataclasses
import glob
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from tsconv.data.reading.cells import BadCells
from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.csv_files.csv_file import read_csv
from tsconv.data.reading.csv_files.locate import line_number
from tsconv.data.reading.excel_files.read_excel import read_excel
from tsconv.data.reading.excel_files.sheet import line_of_record
from tsconv.data.reading.parquet_files.column_filler import ColumnFiller
from tsconv.data.reading.parquet_files.parquet_file import (
    MatchRoles,
    open_parquet,
    parquet_batches,
    read_ahead,
)
from tsconv.data.settings import FileFormat, MissingPolicy
from tsconv.errors import DataError, one_line

_BATCH = 1 << 17  # lines of a Parquet file that are read at once
# Formats that are not read, and what to do with them.
_OTHERS = {
    **dict.fromkeys((".zip", ".xz", ".7z", ".tar", ".tgz", ".rar"), "unpack it, or use .csv.gz"),
    **dict.fromkeys((".xls", ".xlsb", ".ods"), "save the sheet as .xlsx or CSV"),
    **dict.fromkeys((".json", ".jsonl", ".feather", ".h5", ".pkl"), "write it as CSV or Parquet"),
}


class FileContent(NamedTuple):
    """What one file holds of the wanted columns."""

    frame: pd.DataFrame
    roles: ColumnRoles
    bad: BadCells  # cells that are no numbers and count as missing

    def with_target(self, name: str) -> FileContent:
        """The same with its only target under this name."""
        roles = dataclasses.replace(self.roles, targets=(name,))
        return FileContent(
            self.frame.rename(columns={self.roles.targets[0]: name}), roles, self.bad
        )


def find_files(pattern: str, key: str = "data.path") -> list[Path]:
    """The files that a config key names: one, all that match a pattern, or all of a folder.

    In order of name. Of a folder they are its Parquet files or its CSV files, not those of folders
    in it, and none whose name begins with `.` or `_`. Raises DataError where there is none.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("b.csv", "a.csv"):
    ...     (folder / name).touch()
    >>> [path.name for path in find_files(f"{folder}/*.csv")]
    ['a.csv', 'b.csv']
    >>> find_files(str(folder)) == find_files(f"{folder}/*.csv")
    True
    """
    path = Path(pattern)
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            return _files_of(path, key)
        if glob.has_magic(pattern):
            found = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())
            if not found:
                raise DataError(f"`{key}` (={pattern}): no file matches")
            return found
        is_there = path.exists()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero byte
        raise DataError(f"`{key}` (={pattern[:200]!r}) cannot be read: {error}") from error
    missing = "does not exist (local files only)"
    if "://" in pattern:
        missing = "is an address: only local files are read, download it first"
    elif is_there:
        missing = "is not a regular file"
    raise DataError(f"`{key}` (={pattern}) {missing}")


def _files_of(folder: Path, key: str) -> list[Path]:
    """The Parquet files of a folder, or its CSV files; raises DataError where it has both."""
    named = [p for p in sorted(folder.iterdir()) if p.name[0] not in "._" and p.is_file()]
    parquet = [p for p in named if is_parquet(p)]
    text = [p for p in named if ".csv" in (suffix.lower() for suffix in p.suffixes)]
    if parquet and text:
        raise DataError(
            f"`{key}` (={folder}): the folder holds Parquet and CSV files, such as "
            f"{parquet[0].name} and {text[0].name}: name one kind by a pattern such as "
            f"{folder}/*.parquet"
        )
    if not parquet and not text:
        raise DataError(
            f"`{key}` (={folder}): the folder holds neither Parquet nor CSV files: name a file, or "
            f"a pattern such as {folder}/**/*.parquet"
        )
    return parquet or text


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its name; see `is_excel` for the other kinds."""
    return path.suffix.lower() in (".parquet", ".pq")


def is_excel(path: Path) -> bool:
    """Whether a file is an Excel workbook that can be read, by its name."""
    return path.suffix.lower() in (".xlsx", ".xlsm")


def reject_other_formats(path: Path) -> None:
    """Raise DataError for a file of a kind that is not read, by its name."""
    advice = _OTHERS.get(path.suffix.lower())
    if advice:
        raise DataError(f"{path}: {path.suffix} files are not read: {advice}")


def read_file(
    path: Path,
    match_roles: MatchRoles,
    form: FileFormat,
    missing: MissingPolicy,
    has_time_format: bool = False,
) -> FileContent:
    """The wanted columns of one file; raises DataError naming what is wrong.

    `has_time_format` says that the times are to be read by `data.time_format`: they stay text.
    """
    reject_other_formats(path)
    if is_parquet(path):
        frame, roles = _read_parquet(path, match_roles)
        bad = BadCells()
    elif is_excel(path):
        frame, roles, bad = read_excel(path, match_roles, form, missing)
    else:
        frame, roles, bad = read_csv(path, match_roles, form, missing, has_time_format)
    pa.default_memory_pool().release_unused()
    if len(frame) == 0:
        raise DataError(f"{path}: there are no lines below the header")
    return FileContent(frame, roles, bad)


def line_in_file(path: Path, form: FileFormat, record: int) -> int:
    """The line of a record of data, which is counted from 0; the header is line 1.

    A Parquet file counts as if it had a header. See `line_number` for CSV files.
    """
    if is_excel(path):
        return line_of_record(path, form, record)
    return record + 2 if is_parquet(path) else line_number(path, form, record)


def concat_frames(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Frames of the same columns end to end; categories stay categories."""
    columns = {}
    for name in frames[0].columns:
        parts = [frame[name] for frame in frames]
        kinds = {str(p.cat.categories.dtype) for p in parts if hasattr(p, "cat")}
        if len(kinds) == 1 and all(hasattr(p, "cat") for p in parts):
            columns[name] = pd.Series(pd.api.types.union_categoricals(parts))
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def _read_parquet(path: Path, match_roles: MatchRoles) -> tuple[pd.DataFrame, ColumnRoles]:
    """Batch after batch, so that no column is in memory twice."""
    try:
        roles, file = open_parquet(path, match_roles)
        numbers = set(roles.numbers).difference(roles.time, roles.names)
        with file:
            groups = range(file.num_row_groups)
            lines = sum(file.metadata.row_group(group).num_rows for group in groups)
            columns = {name: ColumnFiller(lines, name in numbers) for name in roles.wanted}
            for batch in read_ahead(parquet_batches(file, _BATCH, [*columns])):
                for name, filler in columns.items():
                    filler.add(batch.column(name))
        frame = pd.DataFrame({n: filler.column() for n, filler in columns.items()}, copy=False)
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError, MemoryError) as error:
        raise DataError(
            f"{path}: not a Parquet file that can be read: {one_line(error)}"
        ) from error
    return frame, roles
