"""Whatever comes to the data door leaves it as a panel or as an error for the user."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.data.reading.table import Table
from tsconv.errors import TsconvError

FOLDER = tempfile.TemporaryDirectory(prefix="tsconv-fuzz-")
VALID = "unique_id,ds,y\n" + "".join(
    f"{name},2024-01-{day:02},{value}\n"
    for name in ("a", "b")
    for day, value in zip(range(1, 9), (1, 2.5, "", -3, 4, 5e2, "NA", 7), strict=True)
)
CELLS = (
    "", " ", "a", "NA", "=1", '"', '"a\nb"', ",", ";", "\t", "\r", "\n", "\0", "\ufeff", "é", "ß",
    "1", "-1", "0.5", "1,5", "1e400", "inf", "nan", "1e-320", "-9999", "0x1", "1_0", "9" * 19,
    "9" * 30, "2024-01-01", "2024-02-30", "24:00", "2024-01-01 24:00", "01/02/2024", "20240101",
    "2024-01-01T00:00:00Z", "2024-01-01 00:00+02:00", "2024-03-31 02:30", "2024-10-27 02:30",
    "0000-01-01", "9999-12-31", "99999-01-01", "now", "1704067200", "1704067200000", "-2024-01-01",
    "2024-01-01T00:00:00.123456789", "2024", "2024-01", "NaT", "True", "12:00", "2024-W05",
)  # fmt: skip
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "+02:00",
    "-23:59",
    "x",
    "",
)
FREQUENCIES = (
    "1", "0", "7", "h", "H", "D", "W", "W-SUN", "MS", "ME", "M", "M-30", "BME", "QS-FEB", "B", "YE",
    "15min", "1h30min", "0D", "-1D", "9999999W", "999999999Y", "us", "ns", "", "x", "W-", "²",
)  # fmt: skip
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "sep": st.sampled_from([";", "\t", "\\t", "|", ".", "", ",,", "é", '"', "\n"]),
    "decimal": st.sampled_from([",", ".", "", "x", "5"]),
    "encoding": st.sampled_from(
        ["utf-8", "latin-1", "utf-16", "utf-16-le", "utf-8-sig", "ascii", "cp1252", "hex",
         "idna", "utf-7", "shift_jis", "no such", "", "\0"]
    ),
    "na_values": st.lists(st.sampled_from(["-9999", "-3", "x", "1e999", "nan"]), max_size=3),
    "bad_values": st.sampled_from(["missing", "error", "what"]),
    "time_format": st.sampled_from(
        ["%Y-%m-%d", "%Y-%m-%d %H:%M%z", "%d.%m.%Y", "%Y", "%", "", "{0}", "%Y%m%d",
         "ISO8601", "mixed"]
    ),
    "time_unit": st.sampled_from(["s", "ms", "us", "ns", "D", "step", "h"]),
    "timezone": st.sampled_from(ZONES),
    "duplicates": st.sampled_from(["mean", "first", "last", "error", "median"]),
    "gaps": st.sampled_from(["mask", "zero", "error", "fill"]),
    "freq": st.sampled_from(FREQUENCIES),
    "id": st.sampled_from([None, "unique_id", "ds", "no such"]),
    "row": st.sampled_from(["unique_id", "y"]),
    "time": st.sampled_from(["ds", ["ds", "y"], ["ds", "unique_id"], [], "y"]),
    "target": st.sampled_from(["y", ["y", "z"], "ds", []]),
    "past_covariates": st.sampled_from(["z", {"name": "z", "delay": 3}, {"name": 1, "x": 2}]),
    "future_covariates": st.sampled_from(["z", ["z"], "y"]),
    "static_covariates": st.sampled_from(["z", "unique_id"]),
    "categories": st.sampled_from(["z", ["z", "y"]]),
    "wide_columns_are": st.sampled_from(["series", "rows", "channels", "cells"]),
    "max_bytes": st.sampled_from([0, 1, 100, -5]),
}  # fmt: skip
# A few keys at a time: with many, one that is wrong hides the others.
CONFIGS = st.lists(
    st.one_of([st.tuples(st.just(key), values) for key, values in KEYS.items()]), max_size=3
).map(dict)


def comes_through(content: bytes, name: str, keys: dict[str, Any]) -> None:
    path = Path(FOLDER.name) / name
    path.write_bytes(content)
    data = DataConfig(path=str(path), **keys)
    is_whole_or_told(lambda: read_table(data), data)


def is_whole_or_told(read: Callable[[], Table], data: DataConfig) -> None:
    """Nothing but a panel or an error for the user comes of reading."""
    try:
        panel = build_panel(read(), data.freq)
    except TsconvError as error:
        assert_told(error)
        return
    assert_whole(panel)


def assert_told(error: TsconvError) -> None:
    assert str(error).strip()
    assert not isinstance(error.__cause__, (AssertionError, IndexError, AttributeError))


def assert_whole(panel: Any) -> None:
    assert len(panel) == len(panel.ids) == len(panel.start)
    assert (panel.lengths >= 1).all()
    assert not torch.isinf(panel.values).any()
    assert np.asarray(panel.times(0, np.array([0, 1, 5]))).dtype == panel.start.dtype


@settings(max_examples=examples(500))
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.csv.gz", "a.parquet"]), CONFIGS)
def test_bytes(content: bytes, name: str, keys: dict[str, Any]) -> None:
    comes_through(content, name, keys)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["put", "cut", "swap", "twice"]),
        st.integers(0, len(VALID)),
        st.integers(0, 60),
        st.sampled_from(CELLS),
    ),
    min_size=1,
    max_size=6,
)


def edited(text: str, edits: list[tuple[str, int, int, str]]) -> str:
    for how, at, size, cell in edits:
        end = min(len(text), at + size)
        if how == "put":
            text = text[:at] + cell + text[at:]
        elif how == "cut":
            text = text[:at] + text[end:]
        elif how == "swap":
            text = text[:at] + cell + text[end:]
        else:
            text = text[:end] + text[at:]
    return text


@settings(max_examples=examples(700))
@given(EDITS, CONFIGS, st.sampled_from([*["utf-8"] * 8, "utf-16", "latin-1"]))
def test_a_valid_file_with_changes(edits: Any, keys: dict[str, Any], encoding: str) -> None:
    text = edited(VALID, edits)
    comes_through(text.encode(encoding, errors="replace"), "edited.csv", keys)


@settings(max_examples=examples(600))
@given(
    st.lists(st.tuples(st.integers(0, 16), st.integers(0, 2), st.sampled_from(CELLS)), max_size=4),
    st.integers(2, 17),
    CONFIGS,
)
def test_odd_cells(changes: list[tuple[int, int, str]], size: int, keys: dict[str, Any]) -> None:
    rows = [line.split(",") for line in VALID.splitlines()[:size]]
    for row, at, cell in changes:
        if row < size:
            rows[row][at] = cell
    text = "".join(",".join(row) + "\n" for row in rows)
    comes_through(text.encode(), "cells.csv", keys)


def column(kinds: list[st.SearchStrategy[Any]], size: int) -> st.SearchStrategy[Any]:
    return st.one_of([st.lists(kind, min_size=size, max_size=size) for kind in kinds])


MOMENTS = st.datetimes(
    min_value=pd.Timestamp("1700-01-01").to_pydatetime(),
    max_value=pd.Timestamp("2260-01-01").to_pydatetime(),
)
NUMBERS = (
    st.floats(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 9), st.booleans(), st.text(),
    st.sampled_from([None, 1, 2.5, "x", "3"]), st.decimals(allow_nan=False),
    st.complex_numbers(), st.binary(),
)  # fmt: skip
TIMES = (
    MOMENTS, st.integers(0, 40), st.integers(-(2**63), 2**63 - 1), st.floats(), st.dates(),
    st.sampled_from(CELLS), st.timedeltas(), st.booleans(), st.none(),
    st.sampled_from(pd.date_range("2024-10-25", periods=90, freq="h").tolist()),
    st.sampled_from(pd.date_range("2024-01-31", periods=40, freq="ME").tolist()),
    st.sampled_from(pd.date_range("2024-10-25", periods=90, freq="h", tz="Europe/Berlin").tolist()),
    st.sampled_from(pd.period_range("2024-01", periods=9, freq="M").tolist()),
    st.sampled_from([pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-02")]),
)  # fmt: skip
NAMES = (
    st.sampled_from(["a", "A", " a", "", "NA"]), st.integers(0, 3), st.floats(), st.none(),
    st.sampled_from([1, "1", 1.0, None]), st.booleans(), MOMENTS, st.tuples(st.integers(0, 2)),
)  # fmt: skip
DTYPES = (
    None, "category", "string", "Int64", "float32", "int8", "uint64", "boolean", "object",
    "datetime64[s]", "datetime64[ns, UTC]", "int64[pyarrow]", "string[pyarrow]", "float16",
    "timestamp[ms][pyarrow]", "date32[pyarrow]", "double[pyarrow]",
)  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    size = draw(st.integers(0, 8))
    parts = {
        "unique_id": draw(column(list(NAMES), size)),
        "ds": draw(column(list(TIMES), size)),
        "y": draw(column(list(NUMBERS), size)),
        "z": draw(column([st.floats(-5, 5), st.sampled_from(["p", "q", None])], size)),
    }
    frame = pd.DataFrame({name: pd.Series(part, dtype=object) for name, part in parts.items()})
    for name in parts:
        dtype, part = draw(st.sampled_from(DTYPES)), frame[name]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frame[name] = part.infer_objects() if dtype is None else part.astype(dtype)
        except Exception:  # values that do not go with the type stay as they are
            continue
    if size and draw(st.booleans()):
        frame = frame.set_index(pd.Index(draw(st.permutations(range(size)))))
    return frame


@settings(max_examples=examples(700))
@given(frames(), CONFIGS)
def test_frames(frame: pd.DataFrame, keys: dict[str, Any]) -> None:
    data = DataConfig(**keys)
    is_whole_or_told(lambda: table_from_frame(frame, data), data)


@settings(max_examples=examples(300))
@given(
    st.sampled_from(["h", "D", "W-TUE", "MS", "ME", "B", "15min", "QE", "YS", "90s"]),
    st.one_of(
        st.lists(st.integers(0, 60), min_size=1, max_size=30),
        st.lists(st.integers(0, 60), min_size=9, max_size=40, unique=True),
    ),
    st.sampled_from(["2024-03-25", "2024-10-20", "1999-12-31"]),
    st.sampled_from([None, *ZONES]),
    CONFIGS,
)
def test_regular_times_with_holes_and_repeats(
    freq: str, steps: list[int], start: str, zone: str | None, keys: dict[str, Any]
) -> None:
    times = pd.date_range(start, periods=61, freq=freq)[steps]
    frame = pd.DataFrame({"unique_id": "a", "ds": times, "y": np.arange(len(steps)), "z": 1.0})
    roles = ("timezone", "duplicates", "gaps", "freq", "future_covariates", "static_covariates")
    data = DataConfig(**{k: v for k, v in keys.items() if k in roles})
    data.timezone = zone
    is_whole_or_told(lambda: table_from_frame(frame, data), data)
