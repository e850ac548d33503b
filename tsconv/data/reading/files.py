"""One file, CSV or Parquet, to a frame of the wanted columns. Local files only."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import BadCells
from tsconv.data.reading.csv_file import read_csv
from tsconv.data.reading.locate import row_of_line
from tsconv.data.reading.roles import Roles
from tsconv.errors import DataError, one_line

FindRoles = Callable[[list[str], str], Roles]
# Formats that are not read, and what to do with them.
_OTHERS = {
    **dict.fromkeys((".zip", ".xz", ".7z", ".tar", ".tgz", ".rar"), "unpack it, or use .csv.gz"),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as CSV"),
    **dict.fromkeys((".json", ".jsonl", ".feather", ".h5", ".pkl"), "write it as CSV or Parquet"),
}


def find_files(pattern: str, key: str = "data.path") -> list[Path]:
    """The files that a key names: one, or all that match a pattern, in order of name."""
    path = Path(pattern)
    try:
        if path.is_file():
            return [path]
        if glob.has_magic(pattern):
            found = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())
            if not found:
                raise DataError(f"`{key}` (={pattern}): no file matches")
            return found
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero byte
        raise DataError(f"`{key}` (={pattern[:200]!r}) cannot be read: {error}") from error
    what = "is a folder: name a file, or a pattern such as folder/*.csv"
    missing = "does not exist (local files only)"
    if "://" in pattern:
        missing = "is an address: only local files are read, download it first"
    elif is_there:
        missing = "is not a regular file"
    raise DataError(f"`{key}` (={pattern}) {what if is_folder else missing}")


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def read_file(
    path: Path, find_roles: FindRoles, data: DataConfig, bad: BadCells
) -> tuple[pd.DataFrame, Roles]:
    """The wanted columns of one file and their roles; raises DataError naming what is wrong."""
    advice = _OTHERS.get(path.suffix.lower())
    if advice:
        raise DataError(f"{path}: {path.suffix} files are not read: {advice}")
    if is_parquet(path):
        frame, roles = _read_parquet(path, find_roles)
    else:
        frame, roles = read_csv(path, find_roles, data, bad)
    pa.default_memory_pool().release_unused()
    if len(frame) == 0:
        raise DataError(f"{path}: there are no rows below the header")
    return frame, roles


def row_in_file(path: Path, data: DataConfig, line: int) -> int:
    """The row of a line of data, from 0, as a spreadsheet counts; the header is row 1."""
    return line + 2 if is_parquet(path) else row_of_line(path, data, line)


def joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
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


def _read_parquet(path: Path, find_roles: FindRoles) -> tuple[pd.DataFrame, Roles]:
    try:
        schema = pyarrow.parquet.read_schema(path)
        roles = find_roles(schema.names, str(path))
        for name in roles.wanted:
            if pa.types.is_nested(kind := schema.field(name).type):
                raise DataError(f"{path}: column `{name}` holds {kind}, not one value a row")
        table = pyarrow.parquet.read_table(path, columns=roles.wanted)
        # A column of names takes memory for each different one only.
        for name in roles.names:
            at = table.schema.get_field_index(name)
            if at >= 0 and pa.types.is_string(table.schema.field(at).type):
                table = table.set_column(at, name, table.column(at).dictionary_encode())
        frame = table.to_pandas(
            ignore_metadata=True, split_blocks=True, self_destruct=True, date_as_object=False
        )
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        raise DataError(
            f"{path}: not a Parquet file that can be read: {one_line(error)}"
        ) from error
    return frame, roles
