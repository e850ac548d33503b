"""The only door for untrusted input: CSV or Parquet files, or a DataFrame, become a checked Table.

Past this file the data are valid: known columns, ids as strings, times that parse, numbers that are
finite or missing. Every error names the file, the line, the column and the value. Lines are counted
as a spreadsheet counts its rows, the header being line 1.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import BadCells
from tsconv.data.reading.checked_table import (
    ReadSettings,
    Source,
    checked_table,
)
from tsconv.data.reading.column_roles import ColumnRoles, match_roles
from tsconv.data.reading.files import concat_frames, find_files, line_in_file, read_file
from tsconv.data.reading.id_columns import FILE_ID, FILE_ROW
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.reading.roles import name_in_file
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError, DataError


def read_table(data: DataConfig, future_only: bool = False) -> Table:
    """Read `data.path` (.csv, .csv.gz, .parquet, a pattern of several) by the roles of `data`.

    future_only: only the future covariates, see future_file.py. Raises DataError for files that
    cannot be used as they are, ConfigError for keys that contradict each other.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> _ = path.write_text("shop,day,sold\\na,2024-01-01,3\\na,2024-01-02,4\\n")
    >>> table = read_table(DataConfig(path=str(path), id="shop", time="day", target="sold"))
    >>> table.ids, table.values.tolist()
    (('a',), [[3.0], [4.0]])
    """
    settings = ReadSettings.of(data)
    form = settings.form
    files = find_files(str(data.path), "data.future_path" if future_only else "data.path")
    bad = BadCells()
    frames: list[pd.DataFrame] = []
    roles: ColumnRoles | None = None
    for path in files:
        content = read_file(
            path,
            lambda names, source: match_roles(names, settings.roles, source, future_only),
            form,
            settings.missing,
            settings.time.pattern is not None,
        )
        if data.target_position is not None and not future_only:
            content = content.with_target("y") if len(files) > 1 else content
        roles = same_roles(roles, content.roles, files[0], path)
        frame, bad = content.frame, bad + content.bad
        if not future_only:
            add_names_of_file(frame, path, data)
        frames.append(frame)
        del content, frame
    assert roles is not None  # there is at least one file
    lengths = {str(p): len(f) for p, f in zip(files, frames, strict=True)}
    locations = SourceLocations.of(
        lengths, lambda name, record: line_in_file(Path(name), form, record)
    )
    whole = frames[0] if len(frames) == 1 else concat_frames(frames)
    frames.clear()
    name = str(files[0]) if len(files) == 1 else str(data.path)
    source = Source(name, whole, roles, locations, bad, future_only, is_own=True)
    table = checked_table(source, settings)
    del whole, source
    pa.default_memory_pool().release_unused()
    return dataclasses.replace(table, id_columns=table.id_columns.without_categories())


def table_from_frame(frame: pd.DataFrame, data: DataConfig, future_only: bool = False) -> Table:
    """The same checks for a DataFrame: the way in for Python users.

    >>> frame = pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [3, 4]})
    >>> table_from_frame(frame, DataConfig(id=None)).channels
    ('y',)
    """
    settings = ReadSettings.of(data)
    name = "the DataFrame"
    if not future_only:
        for key in ("row", "id"):
            if getattr(data, f"{key}_from_file") is not None:
                raise ConfigError(
                    f"`data.{key}_from_file` needs files; name a column by `data.{key}`"
                )
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    roles = match_roles(list(frame.columns), settings.roles, name, future_only)
    locations = SourceLocations.of({name: len(frame)})
    frame = pd.DataFrame({n: _with_plain_index(frame[n]) for n in roles.wanted})
    return checked_table(Source(name, frame, roles, locations, BadCells(), future_only), settings)


def add_names_of_file(frame: pd.DataFrame, path: Path, data: DataConfig) -> None:
    """Add the columns of the row and the id that the file's name holds, where it is to hold any."""
    for column, key in ((FILE_ROW, "row_from_file"), (FILE_ID, "id_from_file")):
        pattern = getattr(data, key)
        if pattern is not None:
            name = name_in_file(path.name, pattern, f"data.{key}")
            frame[column] = pd.Categorical.from_codes([0] * len(frame), pd.Index([name]))


def same_roles(
    roles: ColumnRoles | None, found: ColumnRoles, first: Path, path: Path
) -> ColumnRoles:
    """The roles of the files so far, `roles`, where those of the next one are the same."""
    if roles is None or sorted(found.wanted) == sorted(roles.wanted):
        return roles or found  # the same columns in another order are read alike
    raise DataError(
        f"{path}: reads columns {', '.join(found.wanted)}, but {first} has "
        f"{', '.join(roles.wanted)}; name them by `data.target`, or leave one file out"
    )


def _with_plain_index(column: pd.Series) -> pd.Series:
    """The column with a plain index, and in types of numpy where it is in those of Arrow."""
    if isinstance(column.dtype, pd.ArrowDtype):
        column = pa.chunked_array(pa.array(column)).to_pandas(date_as_object=False)
    return column.reset_index(drop=True)
