"""Names, numbers that stand for missing ones, rows as a spreadsheet counts, integer times."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import coded, near_equal_notes, sentinel_notes
from tsconv.data.reading.locate import row_of_line
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.data.reading.table import SourceLocations
from tsconv.data.write import write_table
from tsconv.errors import ConfigError, DataError
from tsconv.notes import Note, NoteKind


@pytest.mark.parametrize(
    ("column", "names", "codes"),
    [
        (pd.Series(["b", "a", "b"]), ("b", "a"), [0, 1, 0]),
        (pd.Series(["b", "a", "b"], dtype="category"), ("b", "a"), [0, 1, 0]),
        (pd.Series(pd.Categorical(["b"], ["x", "b", "y"])), ("b",), [0]),
        (pd.Series([7.0, None, 8.0]), ("7", "8"), [0, -1, 1]),
        (pd.Series([7.5, 8.0]), ("7.5", "8.0"), [0, 1]),
        (pd.Series([1, "1", None, "2"], dtype=object), ("1", "2"), [0, 0, -1, 1]),
        (pd.Series([True, False]), ("True", "False"), [0, 1]),
    ],
)
def test_names_are_text_in_order_of_appearance(
    column: pd.Series, names: tuple[str, ...], codes: list[int]
) -> None:
    found, spelt = coded(column)
    assert spelt == names
    assert found.tolist() == codes


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([1, 2, -9999, 3], 1),
        ([1, 2, -9999, 9999, 3], 2),
        ([-9999, -9999], 1),
        ([20.5, 99999, 18, np.nan], 1),
        ([9990, 9995, 9999], 0),  # in the midst of others
        ([-9999, -5000, 0, 4000], 0),
        ([0, 1, 99], 1),
        ([0, 60, 99], 0),
        ([np.nan], 0),
        ([], 0),
    ],
)
def test_numbers_far_from_all_others(values: list[float], count: int) -> None:
    notes = sentinel_notes(np.array(values, dtype=float), "y", lambda i: f"row {i + 2}")
    assert len(notes) == count
    if values[:3] == [1, 2, -9999]:
        assert str(notes[0]) == (
            "row 4, column `y`: 1 cell is -9999, far from all other values: if that stands for a "
            "missing one, set `data.na_values='[-9999]'`"
        )
        assert (notes[0].kind, notes[0].names) == (NoteKind.SENTINEL_VALUES, ("y", "-9999"))


def test_named_numbers_are_missing_however_they_are_spelt(tmp_path: Path) -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": [1, 2, 3, 4], "y": [1.0, -9999, 3, -9999.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    text = "unique_id,ds,y\na,1,1\na,2,-9999.00\na,3,3\na,4,-9.999e3\n"
    (tmp_path / "a.csv").write_text(text)
    for name in ("a.parquet", "a.csv"):
        table = read_table(DataConfig(path=str(tmp_path / name), na_values=["-9999"]))
        assert np.isnan(table.values[:, 0]).tolist() == [False, True, False, True]


def test_near_equal_names() -> None:
    assert near_equal_notes(("a", "b", "c"), "id") == []
    text = "rows 'Ab c' and 'aBC' differ by case or spaces only (2 such): they are taken for two"
    assert near_equal_notes(("x", "Ab c", "y", "aBC", " x"), "row") == [
        Note(NoteKind.NEAR_EQUAL_NAMES, text, ("Ab c", "aBC"))
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("h\na\nb\n", [2, 3]),
        ("h\n\n\na\n\nb\n", [4, 6]),
        ("\n\nh\na\nb\n", [4, 5]),
        ('h\n"a\n\na"\nb\n', [2, 3]),  # a line break in quotes is within one row
        ("h\r\na\r\n\r\nb\r\n", [2, 4]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_rows_as_a_spreadsheet_counts(
    tmp_path: Path, text: str, rows: list[int], encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    data = DataConfig(encoding=encoding)
    assert [row_of_line(path, data, line) for line in range(2)] == rows
    assert row_of_line(path, data, 10) == 12  # there is none: counted on


def test_places_of_several_files() -> None:
    places = SourceLocations.of({"a": 2, "b": 3})
    assert [places(i) for i in range(5)] == [
        "a: row 2",
        "a: row 3",
        "b: row 2",
        "b: row 3",
        "b: row 4",
    ]
    assert places.both(4, 0) == "a: row 2 and b: row 4"
    assert places.both(1, 0) == "a: rows 2 and 3"
    assert places(6) == "a: row 3", "wide files are stacked: lines come again"
    assert places.take(np.array([4, 0])).take(np.array([1, 0]))(0) == "a: row 2"


@pytest.mark.parametrize(
    ("unit", "value", "time"),
    [
        ("s", 1704067200, "2024-01-01"), ("ms", 1704067200123, "2024-01-01T00:00:00.123"),
        ("us", 1704067200000001, "2024-01-01T00:00:00.000001"), ("D", 19723, "2024-01-01"),
        ("ns", 1704067200000001000, "2024-01-01T00:00:00.000001"), ("s", -86400, "1969-12-31"),
        ("s", 0.5, "1970-01-01T00:00:00.5"),
    ],
)  # fmt: skip
def test_counts_since_1970(unit: str, value: float, time: str) -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": [value], "y": 1.0})
    table = table_from_frame(frame, DataConfig(time_unit=unit))
    assert table.time[0] == np.datetime64(time)
    assert table.time_zone is None
    with_zone = table_from_frame(frame, DataConfig(time_unit=unit, timezone="+01:00"))
    assert with_zone.time_zone == "+01:00"
    hour = np.timedelta64(1, "h") if unit == "D" else np.timedelta64(0, "h")  # days are days there
    assert with_zone.time[0] == np.datetime64(time) - hour


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ([1704067200, 1704067201], "`data.time_unit=s`"),
        ([1704067200000, 1704067200001], "`data.time_unit=ms`"),
        ([20240131, 20240201], r"`data.time_format='%Y%m%d'`"),
        ([2024013123, 2024020100], r"`data.time_format='%Y%m%d%H'`"),
        ([202312, 202401, 202402], r"`data.time_format='%Y%m'`"),
        ([20240131, 20240232], None),  # no dates: steps
        ([199901, 199902], None),  # two are too few to tell
        ([2023, 2024, 2025], None),
        ([1, 10**12], None),
    ],
)
def test_integers_that_look_like_dates(values: list[int], advice: str | None) -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": values, "y": 1.0})
    assert table_from_frame(frame, DataConfig(time_unit="step")).time.tolist() == values
    if advice is None:
        assert table_from_frame(frame, DataConfig()).time.tolist() == values
        return
    with pytest.raises(DataError, match=rf"row 2, column `ds`: {values[0]} looks like .*{advice}"):
        table_from_frame(frame, DataConfig())


@pytest.mark.parametrize(
    ("key", "value"),
    [("sep", "ab"), ("sep", ""), ("decimal", ","), ("sep", '"'), ("encoding", "no"),
     ("max_bytes", 0)],
)  # fmt: skip
def test_keys_that_cannot_be(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "a.csv"
    path.write_text("unique_id,ds,y\na,1,1\n")
    with pytest.raises(ConfigError, match=r"`data\."):
        read_table(DataConfig(path=str(path), **{key: value}))  # type: ignore[arg-type]


def test_times_are_written_with_their_offset(tmp_path: Path) -> None:
    ds = pd.date_range("2024-03-31", periods=3, freq="90min", tz="Europe/Berlin")
    write_table(
        pd.DataFrame({"unique_id": "-a", "ds": ds, "tsconv": 1.5}), tmp_path / "a.csv", True
    )
    assert (tmp_path / "a.csv").read_text().splitlines()[1:] == [
        "'-a,2024-03-31 00:00:00+01:00,1.5",
        "'-a,2024-03-31 01:30:00+01:00,1.5",
        "'-a,2024-03-31 04:00:00+02:00,1.5",
    ]
