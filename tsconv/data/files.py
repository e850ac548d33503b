"""One file, CSV or Parquet, to a frame of the wanted columns. Local files only."""

from __future__ import annotations

import csv
import dataclasses
import glob
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tsconv.data.roles import Roles
from tsconv.errors import DataError
from tsconv.schema import DataConfig

_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>", "-nan", "-NaN")
FindRoles = Callable[[list[str], str], Roles]


@dataclasses.dataclass
class BadCells:
    """Cells that are no numbers and count as missing, where `data.bad_values=missing`."""

    count: int = 0
    first: str = ""
    columns: set[str] = dataclasses.field(default_factory=set)

    def add(self, column: str, count: int, place: str) -> None:
        """Count some more of a column, the first of which stands at `place`."""
        self.columns.add(column)
        self.first = self.first or place
        self.count += count

    @property
    def notes(self) -> tuple[str, ...]:
        """A line that says so, if there were any."""
        if not self.count:
            return ()
        cells = "1 cell that is" if self.count == 1 else f"{self.count:,} cells that are"
        verb = "counts" if self.count == 1 else "count"
        return (
            f"{cells} not a number {verb} as missing (`data.bad_values=missing`): {self.first}",
        )


def find_files(pattern: str) -> list[Path]:
    """The files that `data.path` names: one, or all that match a pattern, in order of name."""
    path = Path(pattern)
    if path.is_file():
        return [path]
    if glob.has_magic(pattern):
        found = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())
        if not found:
            raise DataError(f"`data.path` (={pattern}): no file matches")
        return found
    what = "is a folder: name a file, or a pattern such as folder/*.csv"
    missing = "does not exist (local files only)"
    raise DataError(f"`data.path` (={pattern}) {what if path.is_dir() else missing}")


def read_file(
    path: Path, find_roles: FindRoles, data: DataConfig, bad: BadCells
) -> tuple[pd.DataFrame, Roles]:
    """The wanted columns of one file and their roles; raises DataError naming what is wrong."""
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            roles = find_roles(pyarrow.parquet.read_schema(path).names, str(path))
            table = pyarrow.parquet.read_table(path, columns=roles.wanted)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path}: not a Parquet file: {_first_line(error)}") from error
        frame = table.to_pandas(ignore_metadata=True)
    else:
        roles = find_roles(_csv_header(path, data), str(path))
        frame = _read_csv(path, roles, data, bad)
    if len(frame) == 0:
        raise DataError(f"{path}: there are no rows below the header")
    return frame, roles


def _csv_header(path: Path, data: DataConfig) -> list[str]:
    """The header's names; raises DataError for an empty file or a wrong encoding or separator."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            start = stream.read(1 << 16)
        text = start.decode(data.encoding, errors="strict" if len(start) < 1 << 16 else "ignore")
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(
            f"{path}: cannot be read as {data.encoding}: set `data.encoding=`"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {_first_line(error)}") from error
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    names = next(csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=data.sep))
    if len(names) == 1 and data.sep not in names[0]:
        other = next((s for s in (";", "\t", "|", ",") if s in names[0] and s != data.sep), None)
        if other:
            raise DataError(f"{path}: one column `{names[0]}`; set `data.sep='{other}'`")
    return names


def _read_csv(path: Path, roles: Roles, data: DataConfig, bad: BadCells) -> pd.DataFrame:
    types = {name: pa.float64() for name in roles.numbers}
    types |= {name: pa.string() for name in roles.names}
    if data.time_format is not None:
        types |= dict.fromkeys(roles.time, pa.string())
    try:
        return _arrow_csv(path, roles, data, types).to_pandas()
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise DataError(f"{path}: {_first_line(error)}") from error
    # A number that is none: read the columns of values as text to find it.
    types |= dict.fromkeys(roles.numbers, pa.string())
    try:
        frame = _arrow_csv(path, roles, data, types).to_pandas()
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: {_first_line(error)}") from error
    for name in roles.numbers:
        frame[name] = _text_to_numbers(frame[name], name, path, data, bad)
    return frame


def _text_to_numbers(
    column: pd.Series, name: str, path: Path, data: DataConfig, bad: BadCells
) -> pd.Series:
    """Numbers from text; one that is none is an error, or missing, as `data.bad_values` says."""
    plain = column.str.strip().str.replace(data.decimal, ".", regex=False)
    missing = column.isin([*_MISSING, *data.na_values])
    numbers = pd.to_numeric(plain, errors="coerce")
    wrong = np.flatnonzero(numbers.isna() & ~missing)
    if len(wrong) == 0:
        return numbers.astype("float64")
    place = f"{path}: row {wrong[0] + 2}, column `{name}`: {column.iloc[wrong[0]]!r}"
    if data.bad_values == "error":
        raise DataError(
            f"{place} is not a number ({len(wrong)} such); mend it, list it in `data.na_values=`, "
            f"or set `data.bad_values=missing`"
        )
    bad.add(name, len(wrong), place)
    return numbers.astype("float64")


def _arrow_csv(
    path: Path, roles: Roles, data: DataConfig, types: dict[str, pa.DataType]
) -> pa.Table:
    return pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(encoding=data.encoding),
        parse_options=pyarrow.csv.ParseOptions(delimiter=data.sep, newlines_in_values=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            include_columns=roles.wanted,
            null_values=[*_MISSING, *data.na_values],
            strings_can_be_null=False,
            decimal_point=data.decimal,
        ),
    )


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
