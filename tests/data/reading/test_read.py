"""The data door: what comes through it, and what it says to what does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.counting import count_calls
from tests.helpers.files import write
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.errors import ConfigError, DataError

LONG = "unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,2.5\nb,2024-01-01,\nb,2024-01-02,-3e2\n"


def test_long_form(tmp_path: Path) -> None:
    table = read_table(DataConfig(path=write(tmp_path, LONG)))
    assert table.ids == ("a", "b")
    assert table.codes.tolist() == [0, 0, 1, 1]
    assert table.time[1] == np.datetime64("2024-01-02")
    np.testing.assert_array_equal(table.values[:, 0], [1, 2.5, np.nan, -300])


def test_ids_stay_strings(tmp_path: Path) -> None:
    rows = "".join(f"{i},2024-01-01,1\n" for i in ("007", "NA", "True", "null", " a ", "1.0", "7"))
    table = read_table(DataConfig(path=write(tmp_path, "unique_id,ds,y\n" + rows)))
    assert table.ids == ("007", "NA", "True", "null", " a ", "1.0", "7")


def test_renamed_columns_and_several_targets(tmp_path: Path) -> None:
    text = "shop,other,day,sales,visits\nx,?,2024-01-01,1,10\nx,?,2024-01-02,2,20\n"
    data = DataConfig(path=write(tmp_path, text), time="day", id="shop", target=["sales", "visits"])
    table = read_table(data)
    assert table.channels == ("sales", "visits")
    assert table.values.tolist() == [[1, 10], [2, 20]]


def test_wide_form(tmp_path: Path) -> None:
    text = "date,p,007\n2024-01-01,1,4\n2024-01-02,2,\n"
    data = DataConfig(path=write(tmp_path, text), time="date", wide_columns_are="series")
    table = read_table(data)
    assert table.ids == ("p", "007")
    assert table.codes.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(table.values[:, 0], [1, 2, 4, np.nan])
    assert [table.locations(i) for i in (1, 2)] == [f"{data.path}: line {n}" for n in (3, 2)]


def test_a_file_with_one_series(tmp_path: Path) -> None:
    table = read_table(DataConfig(path=write(tmp_path, "ds,y\n1,2\n2,3\n"), id=None))
    assert len(table.ids) == 1
    assert table.time.tolist() == [1, 2]


def test_parquet_equals_csv(tmp_path: Path) -> None:
    csv = write(tmp_path, LONG)
    frame = pd.read_csv(csv, parse_dates=["ds"])
    frame.to_parquet(tmp_path / "data.parquet")
    a, b = (read_table(DataConfig(path=str(p))) for p in (csv, tmp_path / "data.parquet"))
    assert a.ids == b.ids
    assert (a.time == b.time).all()
    np.testing.assert_array_equal(a.values, b.values)


def test_a_data_frame_passes_the_same_checks() -> None:
    frame = pd.DataFrame({"unique_id": [7, 7], "ds": pd.to_datetime(["2024", "2025"]), "y": [1, 2]})
    assert table_from_frame(frame, DataConfig()).ids == ("7",)
    with pytest.raises(DataError, match="line 3, column `y`: 'x' is not a number"):
        table_from_frame(frame.assign(y=[1, "x"]), DataConfig())


def test_spellings_of_numbers_and_times(tmp_path: Path) -> None:
    text = "unique_id;ds;y\na;01.02.2024 06:00;1,5\na;01.02.2024 07:00;weg\n"
    data = DataConfig(
        path=write(tmp_path, text, encoding="latin-1"),
        sep=";",
        decimal=",",
        encoding="latin-1",
        na_values=["weg"],
        time_format="%d.%m.%Y %H:%M",
    )
    table = read_table(data)
    assert table.time[0] == np.datetime64("2024-02-01T06:00")
    np.testing.assert_array_equal(table.values[:, 0], [1.5, np.nan])


def test_utc_offsets_are_taken_to_utc(tmp_path: Path) -> None:
    text = "unique_id,ds,y\na,2024-01-01T00:00:00+02:00,1\na,2024-01-01T01:00:00+02:00,1\n"
    table = read_table(DataConfig(path=write(tmp_path, text)))
    assert table.time_zone == "+02:00"
    assert table.time[0] == np.datetime64("2023-12-31T22:00")


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "the file is empty"),
        ("unique_id,ds,y\n", {}, "no lines below the header"),
        ("unique_id,ds,y,y\na,1,1,1\n", {}, "two columns are called `y`"),
        (LONG, {"target": "yy"}, r"no column `yy` \(set by `data.target`\) \(did you mean `y`"),
        (LONG, {"id": "uniqe_id"}, r"no column `uniqe_id` .*did you mean `unique_id`"),
        (LONG, {"time": "date"}, "no column `date`"),
        (LONG.replace("2.5", "two"), {}, "line 3, column `y`: 'two' is not a number"),
        (LONG.replace("2.5", "1_000"), {}, "line 3, column `y`: '1_000' is not a number"),
        (LONG.replace("2.5", "$5"), {}, "line 3, column `y`: '\\$5' is not a number"),
        (LONG.replace("2.5", "inf"), {}, "line 3, column `y`: inf is not finite"),
        (LONG.replace("2.5", "1e400"), {}, "line 3, column `y`"),
        (
            LONG.replace("b,2024-01-01", ",2024-01-01"),
            {},
            "line 4, column `unique_id`: the id is empty",
        ),
        (LONG.replace("b,2024-01-02", "b,soon"), {}, "line 5, column `ds`: 'soon'"),
        (LONG.replace("b,2024-01-02", "b,"), {}, "line 5, column `ds`"),
        (
            LONG.replace("a,2024-01-02,2.5", "a,2024-01-02"),
            {},
            "line 3: 2 fields where the header has 3: 'a,2024-01-02'; is the line cut",
        ),
        (
            LONG.replace("2.5", "2.5,9"),
            {},
            "line 3: 4 fields where the header has 3: 'a,2024-01-02,2.5,9'; is there",
        ),
        (LONG.replace(",", ";"), {}, "set `data.sep=';'`"),
        ("unique_id,ds,y\na,01/02/2024,1\na,02/02/2024,1\n", {}, r"data.time_format='%d/%m/%Y'"),
        (LONG, {"target": "ds"}, "column `ds` is given two roles"),
        (LONG.replace("2.5", "1e200"), {}, "line 3, column `y`: 1e\\+200 is outside"),
        (LONG.replace("2.5", "1e-45"), {}, "line 3, column `y`: 1e-45 is outside"),
        ("unique_id,ds,y\na,20240101,1\na,20240102,1\n", {}, "data.time_format='%Y%m%d'"),
    ],
)
def test_bad_files_say_what_is_wrong(
    tmp_path: Path, text: str, settings: dict[str, str], message: str
) -> None:
    data = DataConfig(path=write(tmp_path, text), **settings)
    with pytest.raises((DataError, ConfigError), match=message):
        read_table(data)


def test_day_first_dates_are_seen_where_only_they_fit(tmp_path: Path) -> None:
    text = "unique_id,ds,y\na,30/01/2024,1\na,31/01/2024,1\n"
    assert read_table(DataConfig(path=write(tmp_path, text))).time[1] == np.datetime64("2024-01-31")


def test_missing_file_folder_and_address(tmp_path: Path) -> None:
    for path in (tmp_path / "no.csv", tmp_path, "http://example.com/a.csv"):
        with pytest.raises(DataError, match=r"`data.path`"):
            read_table(DataConfig(path=str(path)))


def test_wrong_encoding_and_false_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set `data.encoding=`"):
        read_table(DataConfig(path=write(tmp_path, LONG.replace("y", "ÿ"), encoding="latin-1")))
    with pytest.raises(DataError, match="not a Parquet file"):
        read_table(DataConfig(path=write(tmp_path, LONG, "data.parquet")))


def test_compact_and_dashed_dates_with_their_format(tmp_path: Path) -> None:
    for text, form in (("20240131", "%Y%m%d"), ("31-01-2024", "%d-%m-%Y")):
        path = write(tmp_path, f"unique_id,ds,y\na,{text},1\n")
        table = read_table(DataConfig(path=path, time_format=form))
        assert table.time[0] == np.datetime64("2024-01-31")
        assert table.time_zone is None
    frame = pd.DataFrame({"unique_id": "a", "ds": [20240131], "y": 1.0})
    table = table_from_frame(frame, DataConfig(time_format="%Y%m%d"))
    assert table.time[0] == np.datetime64("2024-01-31")


def test_an_indexed_parquet_file_and_columns_that_are_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": [5, 9, 10], "y": [1.0, 2.0, 3.0]})
    frame.set_index("ds").to_parquet(tmp_path / "indexed.parquet")
    table = read_table(DataConfig(path=str(tmp_path / "indexed.parquet")))
    assert table.time.tolist() == [5, 9, 10]
    wide = pd.DataFrame({"ds": [1, 2], 7: [1.0, 2.0]})
    assert table_from_frame(wide, DataConfig(wide_columns_are="series")).ids == ("7",)


def test_many_short_series_are_read_together(tmp_path: Path) -> None:
    """A series more costs a call or two, its id's; all else is done for all at once."""

    def reading(n: int) -> Callable[[], Panel]:
        rows = "".join(f"id{i},{d},{i % 7}\n" for i in range(n) for d in (1, 2, 3))
        path = write(tmp_path, "unique_id,ds,y\n" + rows, f"{n}.csv")
        return lambda: build_panel(read_table(DataConfig(path=path)))

    few, many = reading(10_000), reading(20_000)
    panel = many()
    assert len(panel) == 20_000
    assert len(panel.values) == 60_000
    assert count_calls(many) - count_calls(few) <= 2 * 10_000
