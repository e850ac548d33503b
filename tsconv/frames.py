"""Tables that Python users hold: pandas, polars, pyarrow and paths in, the same kind out."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any, TypeGuard

import narwhals.stable.v2 as nw
import pandas as pd
import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.data.reading.table import Table
from tsconv.errors import DataError, DataTypeError

if TYPE_CHECKING:
    from narwhals.stable.v2.typing import IntoFrame

    Data = IntoFrame | str | os.PathLike[str]  # whatever can be trained on or forecast

TAKEN = (
    "a DataFrame of pandas or polars, a pyarrow table, or the path of a CSV or Parquet file "
    "(str or Path)"
)


def table_of(given: Data, data: DataConfig, caller: str, future_only: bool = False) -> Table:
    """Read what a user gave by the roles of `data`; nothing of it is changed.

    caller: the method that it was given to, for messages. future_only: only the future covariates.
    Raises DataTypeError for what is neither a table nor a path, DataError where it cannot be used.

    >>> frame = pa.table({"ds": ["2024-01-01", "2024-01-02"], "y": [3, 4]})
    >>> table_of(frame, DataConfig(id=None), "fit").values.tolist()
    [[3.0], [4.0]]
    """
    if is_path(given):
        return read_table(dataclasses.replace(data, path=os.fspath(given)), future_only)
    return table_from_frame(to_pandas(given, data, caller), data, future_only)


def is_path(given: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a user gave the path of a file, not a table.

    >>> is_path("sales.csv"), is_path(pd.DataFrame())
    (True, False)
    """
    return isinstance(given, (str, os.PathLike))


def to_pandas(given: Any, data: DataConfig, caller: str) -> pd.DataFrame:
    """Return the table as a DataFrame of pandas; a lazy one is collected.

    data: the roles, none of which may be in the index. Raises DataTypeError, and DataError where
    the index holds what must be a column.
    """
    if isinstance(given, pd.DataFrame):
        _reject_index(given, data)
        return given
    table = given if isinstance(given, pa.Table) else _to_arrow(given, caller)
    # What pandas once wrote into a table of pyarrow does not count: its index is a column here.
    made: pd.DataFrame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    return made


def _to_arrow(given: Any, caller: str) -> pa.Table:
    frame = nw.from_native(given, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        raise DataTypeError(f"{caller} takes {TAKEN}, not {_type_name(given)}")
    return frame.to_arrow()


def in_kind_of(given: Any, frame: pd.DataFrame) -> Any:
    """The frame as the kind of table that was given: pandas for pandas and for a path.

    >>> in_kind_of(pa.table({"y": [1]}), pd.DataFrame({"tsconv": [2.5]})).to_pydict()
    {'tsconv': [2.5]}
    """
    if is_path(given) or isinstance(given, pd.DataFrame):
        return frame
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    kind = nw.from_native(given).implementation
    if kind.is_pyarrow() or not (kind.is_polars() or kind.is_pandas_like()):
        return table  # engines of queries, such as DuckDB, read it as it is
    return nw.from_arrow(table, backend=kind).to_native()


def _type_name(given: object) -> str:
    """Name the type of what was given: "a list", "a Series of pandas"."""
    kind = type(given)
    package = kind.__module__.split(".")[0]
    if given is None:
        return "None"
    article = "an" if kind.__name__[0] in "aeiouAEIOU" else "a"
    return f"{article} {kind.__name__}" + ("" if package == "builtins" else f" of {package}")


def _reject_index(frame: pd.DataFrame, data: DataConfig) -> None:
    """Raise DataError where the index holds the time, the id or another column that is wanted."""
    columns = {str(name) for name in frame.columns}
    time = [name for name in _names(data.time) if name not in columns]
    others = [name for name in _names([data.id, data.row, data.target]) if name not in columns]
    levels = [frame.index.get_level_values(i) for i in range(frame.index.nlevels)]
    holds_times = [isinstance(level, (pd.DatetimeIndex, pd.PeriodIndex)) for level in levels]
    named = [level.name for level in levels if level.name is not None]
    if not {*time, *others} & set(named) and not (time and (any(holds_times) or len(levels) > 1)):
        return
    call, advice = "frame.reset_index()", ""
    if len(named) < len(levels):
        free = [name for name in (*time, *others) if name not in named]
        names = [
            level.name or _take(free, time if is_time else others) or f"level_{i}"
            for i, (level, is_time) in enumerate(zip(levels, holds_times, strict=True))
        ]
        call = f"frame.reset_index(names={names if len(names) > 1 else names[0]!r})"
    elif time and not set(time) & set(named):
        likely = next((n for n, is_time in zip(named, holds_times, strict=True) if is_time), None)
        advice = f", and name the column of time, e.g. data__time={str(likely or named[-1])!r}"
    held = ", ".join(f"`{name}`" for name in named) or (
        "times without a name" if all(holds_times) else "values without names"
    )
    raise DataError(
        f"the index of the DataFrame holds {held}; tsconv reads columns, not the index: "
        f"give {call}{advice}"
    )


def _take(free: list[str], wanted: list[str]) -> str | None:
    """Take the first of `wanted` that is still free."""
    found = next((name for name in wanted if name in free), None)
    if found is not None:
        free.remove(found)
    return found


def _names(value: Any) -> list[str]:
    """The column names in a value of the config: one name, a list of them, or None."""
    if isinstance(value, (list, tuple)):
        return [name for item in value for name in _names(item)]
    return [] if value is None else [str(value)]
