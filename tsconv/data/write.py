"""Writing a table of forecasts: .csv or .parquet, whole or not at all."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.atomic_write import replace_file
from tsconv.data.settings import FileFormat
from tsconv.data.timestamps.zones import offset_name
from tsconv.errors import ConfigError


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
            frame = _with_time_text(_escaped(frame) if escape_formulas else frame)
            if csv_format is None:
                _write_csv(frame, temporary)
            else:
                form = csv_format
                frame.to_csv(
                    temporary,
                    index=False,
                    sep=form.sep,
                    decimal=form.decimal,
                    encoding=form.encoding,
                )
        else:
            frame.to_parquet(temporary, index=False)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    """No quotes where no text needs them."""
    import pyarrow as pa
    import pyarrow.csv

    table = pa.Table.from_pandas(frame, preserve_index=False)
    special = any(
        frame[column].astype(str).str.contains('[,"\r\n]', regex=True).any()
        for column in frame
        if not pd.api.types.is_numeric_dtype(frame[column])
    )
    options = pyarrow.csv.WriteOptions(
        include_header=False, quoting_style="needed" if special else "none"
    )
    header = io.StringIO()
    with path.open("wb") as sink:
        csv.writer(header, lineterminator="\n").writerow(frame.columns)
        sink.write(header.getvalue().encode())
        pyarrow.csv.write_csv(table, sink, options)


def _with_time_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates without a clock where all are midnight."""
    times = frame.columns[[dtype.kind == "M" for dtype in frame.dtypes]]
    return frame.assign(**{column: _time_text(frame[column]) for column in times})


def _time_text(ds: pd.Series) -> npt.NDArray[np.str_]:
    """ISO 8601 with a space, in the coarsest of day, second and microsecond that holds all times.

    Those with a zone get a clock and their offset.
    """
    aware = getattr(ds.dt, "tz", None) is not None
    time = (ds.dt.tz_localize(None) if aware else ds).to_numpy().astype("datetime64[us]")
    coarsest_first: tuple[Literal["D", "s", "us"], ...] = ("D", "s", "us")
    if aware:  # a date alone has no offset
        coarsest_first = coarsest_first[1:]
    units = (u for u in coarsest_first if (time == time.astype(f"datetime64[{u}]")).all())
    text = np.char.replace(np.datetime_as_string(time, unit=next(units)), "T", " ")
    if not aware:
        return text
    utc = ds.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    seconds = (time - utc).astype("timedelta64[s]").astype("int64")
    unique, inverse = np.unique(seconds, return_inverse=True)
    offsets = [offset_name(int(s)).replace("UTC", "+00:00") for s in unique]
    return np.char.add(text, np.array(offsets, dtype=str)[inverse])


def _escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """A ' before text that begins as formulas do: such as =x, +1, -1, @x, a tab."""
    names = [str(n) for n in frame if pd.api.types.is_string_dtype(frame[n].dtype)]
    marked = {
        n: frame[n].astype(str).str.replace(r"^([=+\-@\t\r])", r"'\1", regex=True) for n in names
    }
    return frame.assign(**marked)
