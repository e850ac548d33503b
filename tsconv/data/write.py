"""Writing a table of forecasts: .csv or .parquet, whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tsconv.atomic_write import replace_file
from tsconv.data.settings import FileFormat
from tsconv.data.timestamps.zones import offset_name
from tsconv.errors import ConfigError

_UNITS = ("D", "s", "us")  # of times as text, the coarsest first


def check_output(output: Path, key: str = "output") -> None:
    """Raise ConfigError where `output` cannot be written: before any work is done."""
    if output.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"`{key}` (={output}) must end in .csv or .parquet")
    if not output.parent.is_dir():
        raise ConfigError(f"`{key}` (={output}): the folder {output.parent} does not exist")
    if output.is_dir():
        raise ConfigError(f"`{key}` (={output}) is a folder")


def write_table(
    frame: pd.DataFrame,
    output: Path,
    escape_formulas: bool = False,
    csv_format: FileFormat | None = None,
) -> None:
    """Write a table as .csv or .parquet, by the suffix of `output`, whole or not at all.

    `csv_format` has the separator, decimal mark and encoding of a .csv that the user reads again.
    `escape_formulas` puts a ' before names in a .csv that a spreadsheet would take for a formula.
    Raises ConfigError where `output` cannot be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "forecast.csv"
    >>> write_table(pd.DataFrame({"unique_id": ["a"], "tsconv": [1.5]}), path)
    >>> path.read_text()
    'unique_id,tsconv\\na,1.5\\n'
    """
    check_output(output)
    with replace_file(output) as temporary:
        if output.suffix == ".csv":
            frame = escaped(frame) if escape_formulas else frame
            if csv_format is None:
                write_text_table(*text_table(frame), temporary)
            else:
                form = csv_format
                _with_time_text(frame)[0].to_csv(
                    temporary,
                    index=False,
                    sep=form.sep,
                    decimal=form.decimal,
                    encoding=form.encoding,
                )
        else:
            frame.to_parquet(temporary, index=False)


@dataclasses.dataclass(frozen=True)
class CsvStyle:
    """How a .csv spells what its lines have in common: it depends on all of them.

    >>> CsvStyle(units={"day": "D"}).with_style(CsvStyle(True, {"day": "s"}))
    CsvStyle(quoted=True, units={'day': 's'})
    """

    quoted: bool = False  # whether text stands in quotes: some of it needs them
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of times, one of _UNITS

    def with_style(self, other: CsvStyle) -> CsvStyle:
        """The style of both files' lines in one."""
        units = {
            name: max(unit, other.units.get(name, unit), key=_UNITS.index)
            for name, unit in self.units.items()
        }
        return CsvStyle(self.quoted or other.quoted, units)


def text_table(frame: pd.DataFrame) -> tuple[pa.Table, CsvStyle]:
    """What a .csv has of a frame, times as text, and how it is spelt."""
    frame, units = _with_time_text(frame)
    quoted = any(
        pd.Series(frame[column].unique()).astype(str).str.contains('[,"\r\n]', regex=True).any()
        for column in frame
        if not pd.api.types.is_numeric_dtype(frame[column])
    )
    return pa.Table.from_pandas(frame, preserve_index=False), CsvStyle(bool(quoted), units)


def spell_times(table: pa.Table, before: CsvStyle, after: CsvStyle) -> pa.Table:
    """The times of a text table in the finer units of another style.

    >>> day, second = CsvStyle(units={"ds": "D"}), CsvStyle(units={"ds": "s"})
    >>> spell_times(pa.table({"ds": ["2024-01-31"]}), day, second)["ds"].to_pylist()
    ['2024-01-31 00:00:00']
    """
    for name, unit in before.units.items():
        wanted = after.units[name]
        if unit == wanted:
            continue
        column = table.column(name)
        text = column.cast(pa.string())
        text = pc.binary_join_element_wise(text, " 00:00:00", "") if unit == "D" else text
        if wanted == "us":  # behind the clock, before an offset
            pattern, more = r"^(.{10} \d\d:\d\d:\d\d)", r"\1.000000"
            text = pc.replace_substring_regex(text, pattern, more)
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, text.cast(column.type))
    return table


def header_line(names: Sequence[str]) -> bytes:
    """The first line of a .csv."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(names)
    return header.getvalue().encode()


def csv_write_options(style: CsvStyle) -> pyarrow.csv.WriteOptions:
    """How pyarrow writes the lines below a header: no quotes where no text needs them."""
    return pyarrow.csv.WriteOptions(
        include_header=False, quoting_style="needed" if style.quoted else "none"
    )


def write_text_table(table: pa.Table, style: CsvStyle, path: Path) -> None:
    """Write a text table as .csv."""
    with path.open("wb") as sink:
        sink.write(header_line(table.column_names))
        pyarrow.csv.write_csv(table, sink, csv_write_options(style))


def _with_time_text(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Times as text: dates without a clock where all are midnight; and the unit of each column."""
    times = [str(name) for name in frame if frame[name].dtype.kind == "M"]
    units = {name: _time_unit(frame[name]) for name in times}
    return frame.assign(**{n: _time_text(frame[n], units[n]) for n in times}), units


def _time_unit(ds: pd.Series) -> str:
    """The coarsest of day, second and microsecond that holds all times.

    Those with a zone get a clock: a date alone has no offset.
    """
    aware = getattr(ds.dt, "tz", None) is not None
    time = (ds.dt.tz_localize(None) if aware else ds).to_numpy().astype("datetime64[us]")
    units = _UNITS[1:] if aware else _UNITS
    return next(u for u in units if (time == time.astype(f"datetime64[{u}]")).all())


def _time_text(ds: pd.Series, unit: str) -> npt.NDArray[np.str_]:
    """ISO 8601 with a space; times with a zone get their offset."""
    aware = getattr(ds.dt, "tz", None) is not None
    time = (ds.dt.tz_localize(None) if aware else ds).to_numpy().astype("datetime64[us]")
    spelt = np.datetime_as_string(time, unit=cast(Literal["D", "s", "us"], unit))
    text = np.char.replace(spelt, "T", " ")
    if not aware:
        return text
    utc = ds.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    seconds = (time - utc).astype("timedelta64[s]").astype("int64")
    unique, inverse = np.unique(seconds, return_inverse=True)
    offsets = [offset_name(int(s)).replace("UTC", "+00:00") for s in unique]
    return np.char.add(text, np.array(offsets, dtype=str)[inverse])


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """A ' before text that begins as formulas do: such as =x, +1, -1, @x, a tab."""
    names = [str(n) for n in frame if pd.api.types.is_string_dtype(frame[n].dtype)]
    marked = {
        n: frame[n].astype(str).str.replace(r"^([=+\-@\t\r])", r"'\1", regex=True) for n in names
    }
    return frame.assign(**marked)
