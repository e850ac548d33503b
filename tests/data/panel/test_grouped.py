"""Rows, channels and several files at the data door: what comes through, what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.files import write
from tests.helpers.panels import panel_of
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.errors import ConfigError, DataError

NAN = np.nan
STATIONS = "place,ds,no2,wind\nnorth,1,10,1\nnorth,2,11,\nsouth,2,21,5\nsouth,4,23,6\n"


def panel(tmp_path: Path, text: str, name: str = "data.csv", **data: object) -> Panel:
    settings = DataConfig(path=write(tmp_path, text, name), **data)  # type: ignore[arg-type]
    return build_panel(read_table(settings), settings.freq)


def test_rows_are_aligned_in_time_and_masked_where_one_is_missing(tmp_path: Path) -> None:
    p = panel(tmp_path, STATIONS, row="place", target="no2", past_covariates="wind")
    assert (p.ids, p.rows, p.channels, p.n_past) == (
        ("series",), ("north", "south"), ("no2", "wind"), 1,
    )  # fmt: skip
    assert p.targets == ("no2",)
    np.testing.assert_array_equal(p.values[:, 0, 0], [10, 11, NAN, NAN])
    np.testing.assert_array_equal(p.values[:, 0, 1], [NAN, 21, NAN, 23])
    np.testing.assert_array_equal(p.values[:, 1, 1], [NAN, 5, NAN, 6])
    assert p.offset[0].tolist() == [[10, 21], [1, 5]]
    assert any(
        "9 of 16 values are missing (56.2%, rows aligned in time)" in str(n) for n in p.notes
    )


def test_ids_and_rows_together_with_a_row_that_one_id_lacks() -> None:
    lines = [("a", "x", 1, 1.0), ("a", "y", 3, 2.0), ("b", "x", 7, 3.0), ("a", "x", 2, 4.0)]
    frame = pd.DataFrame(lines, columns=["unique_id", "place", "ds", "y"])
    p = panel_of(frame, "1", row="place")
    assert p.indptr.tolist() == [0, 3, 4]
    assert p.start.tolist() == [1, 7]
    np.testing.assert_array_equal(p.values[:, 0], [[1, NAN], [4, NAN], [NAN, 2], [3, NAN]])
    assert p.offset[:, 0].tolist() == [[1, 2], [3, 0]]
    assert [p.name(0, 0, 1), p.name(1, 0, 0)] == ["a · y", "b · x"]


def test_shuffled_lines_give_the_same_panel() -> None:
    rng = np.random.default_rng(0)
    lines = [(i, r, t, rng.normal()) for i in "ab" for r in "xyz" for t in range(5)]
    frame = pd.DataFrame(lines, columns=["unique_id", "place", "ds", "y"])
    one, other = (
        panel_of(frame, row="place"),
        panel_of(frame.sample(frac=1, random_state=4), row="place"),
    )
    rows, ids = [other.rows.index(r) for r in one.rows], [other.ids.index(i) for i in one.ids]
    for s in range(2):
        np.testing.assert_array_equal(one.series(s), other.series(ids[s])[..., rows])


@pytest.mark.parametrize("kind", ["rows", "channels", "series"])
def test_wide_columns_are_what_is_said(tmp_path: Path, kind: str) -> None:
    p = panel(tmp_path, "ds,p,q\n1,1,\n2,2,4\n", wide_columns_are=kind)
    names = {"rows": p.rows, "channels": p.channels, "series": p.ids}
    assert names[kind] == ("p", "q")
    shape = {"rows": (2, 1, 2), "channels": (2, 2, 1), "series": (4, 1, 1)}[kind]
    assert tuple(p.values.shape) == shape
    np.testing.assert_array_equal(p.values[:2].flatten()[:1], [1])
    assert int(p.values.isnan().sum()) == 1


def test_wide_channels_with_ids_and_rows(tmp_path: Path) -> None:
    text = "shop,floor,ds,sold,seen,rain\na,1,1,1,2,3\na,2,1,4,5,6\nb,1,1,7,8,9\n"
    p = panel(
        tmp_path, text, id="shop", row="floor", past_covariates="rain", freq="1",
        wide_columns_are="channels",
    )  # fmt: skip
    assert (p.ids, p.rows, p.channels, p.targets) == (
        ("a", "b"), ("1", "2"), ("sold", "seen", "rain"), ("sold", "seen"),
    )  # fmt: skip
    np.testing.assert_array_equal(p.series(0)[0], [[1, 4], [2, 5], [3, 6]])


def test_wide_rows_keep_their_ids(tmp_path: Path) -> None:
    text = "unique_id,ds,north,south\na,1,1,2\na,2,3,4\nb,1,5,6\nb,2,7,8\n"
    p = panel(tmp_path, text, wide_columns_are="rows")
    assert (p.ids, p.rows) == (("a", "b"), ("north", "south"))
    np.testing.assert_array_equal(p.series(1)[:, 0], [[5, 6], [7, 8]])


def test_several_files_with_the_row_in_their_names(tmp_path: Path) -> None:
    for name, level in (("north", 1), ("south", 5)):
        write(tmp_path, f"ds,y\n1,{level}\n2,{level + 1}\n", f"air_{name}_2024.csv")
    data = DataConfig(path=str(tmp_path / "air_*.csv"), row_from_file=r"air_(\w+)_\d+")
    table = read_table(data)
    assert (table.rows, table.ids) == (("north", "south"), ("series",))
    p = build_panel(table)
    np.testing.assert_array_equal(p.values[:, 0], [[1, 5], [2, 6]])


def test_several_files_with_a_column_of_rows_in_csv_and_parquet(tmp_path: Path) -> None:
    write(tmp_path, "place,ds,y\nnorth,1,1\nnorth,2,2\n", "a.csv")
    pd.DataFrame({"place": "south", "ds": [1, 2], "y": [5.0, 6.0]}).to_parquet(
        tmp_path / "b.parquet"
    )
    table = read_table(DataConfig(path=str(tmp_path / "[ab].*"), row="place"))
    assert table.rows == ("north", "south")
    assert table.locations(2) == f"{tmp_path / 'b.parquet'}: line 2"


def test_errors_in_several_files_name_the_file(tmp_path: Path) -> None:
    write(tmp_path, "place,ds,y\nnorth,1,1\n", "a.csv")
    data = DataConfig(path=str(tmp_path / "*.csv"), row="place")
    write(tmp_path, "place,ds,y\nsouth,1,1\n,2,1\n", "b.csv")
    with pytest.raises(DataError, match=r"b.csv: line 3, column `place`: the row is empty"):
        read_table(data)
    write(tmp_path, "place,ds,y\nsouth,1,1\nsouth,2,inf\n", "b.csv")
    with pytest.raises(DataError, match=r"b.csv: line 3, column `y`: inf is not finite"):
        read_table(data)
    write(tmp_path, "place,ds,y\nsouth,1,1\nnorth,1,1\n", "b.csv")
    same = r"a.csv: line 2 and .*b.csv: line 3 are both series `series`, family row `north` at 1"
    with pytest.raises(DataError, match=same):
        build_panel(read_table(data))
    write(tmp_path, "place,ds,z\nsouth,1,1\n", "b.csv")
    with pytest.raises(DataError, match=r"b.csv: no column `y`"):
        read_table(data)


def test_wide_files_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    write(tmp_path, "place,ds,p,q\nnorth,1,1,2\n", "a.csv")
    write(tmp_path, "q,p,ds,place\n20,10,1,south\n", "b.csv")
    data = DataConfig(path=str(tmp_path / "*.csv"), row="place", wide_columns_are="channels")
    table = read_table(data)
    assert table.channels == ("p", "q")
    assert table.values.tolist() == [[1, 2], [10, 20]]


def test_files_with_and_without_a_time_zone_are_not_mixed(tmp_path: Path) -> None:
    write(tmp_path, "place,ds,y\nnorth,2024-01-01 00:00,1\n", "a.csv")
    write(tmp_path, "place,ds,y\nsouth,2024-01-01 00:00+02:00,1\n", "b.csv")
    said = r"b.csv: line 2, column `ds`: .* has an offset from UTC, .*a.csv: line 2: .* has none"
    with pytest.raises(DataError, match=said):
        read_table(DataConfig(path=str(tmp_path / "*.csv"), row="place"))


def test_names_that_pandas_made_floats_of_are_whole_again() -> None:
    frame = pd.DataFrame({"place": [7.0, 8.0], "ds": [1, 1], "y": [1.0, 2.0]})
    assert table_from_frame(frame, DataConfig(row="place")).rows == ("7", "8")


def test_a_sensor_that_gave_no_number_in_one_of_several_files(tmp_path: Path) -> None:
    write(tmp_path, "place,ds,y\nnorth,1,off\n", "a.csv")
    write(tmp_path, "place,ds,y\nsouth,1,5\n", "b.csv")
    data = DataConfig(path=str(tmp_path / "*.csv"), row="place", bad_values="missing")
    np.testing.assert_array_equal(read_table(data).values[:, 0], [NAN, 5])


def test_wide_files_must_have_the_same_columns(tmp_path: Path) -> None:
    write(tmp_path, "place,ds,p,q\nnorth,1,1,1\n", "a.csv")
    write(tmp_path, "place,ds,p,r\nsouth,1,1,1\n", "b.csv")
    data = DataConfig(path=str(tmp_path / "*.csv"), row="place", wide_columns_are="channels")
    with pytest.raises(DataError, match=r"b.csv: reads columns ds, place, p, r, but .*a.csv has"):
        read_table(data)


def test_time_in_several_columns(tmp_path: Path) -> None:
    text = "year,month,day,hour,y\n2024,2,28,23,1\n2024,2,29,0,2\n"
    parts = ["year", "month", "day", "hour"]
    table = read_table(DataConfig(path=write(tmp_path, text), time=parts, id=None))
    assert table.time.astype("datetime64[h]").astype(str).tolist() == [
        "2024-02-28T23", "2024-02-29T00",
    ]  # fmt: skip
    months = read_table(DataConfig(path=write(tmp_path, text), time=parts[:2], id=None))
    assert str(months.time[0])[:10] == "2024-02-01"
    clock = "date,clock,y\n2024-02-28,23:30,1\n"
    table = read_table(DataConfig(path=write(tmp_path, clock), time=["date", "clock"], id=None))
    assert str(table.time[0])[:16] == "2024-02-28T23:30"
    bad = DataConfig(path=write(tmp_path, text.replace(",29,", ",30,")), time=parts, id=None)
    with pytest.raises(
        DataError, match=r"line 3, columns `year, month, day, hour`: year=2024, mon"
    ):
        read_table(bad)
    for wrong in (",99,", ",-3,"):
        late = DataConfig(path=write(tmp_path, text.replace(",23,", wrong)), time=parts, id=None)
        with pytest.raises(DataError, match=r"line 2, .*hour=.* is not a valid time"):
            read_table(late)


def test_cells_that_are_no_numbers_count_as_missing_where_asked(tmp_path: Path) -> None:
    text = STATIONS.replace("21", " ").replace("23", "n/d")
    settings = {"row": "place", "target": "no2"}
    with pytest.raises(
        DataError,
        match=r"line 4, column `no2`: ' ' is not a number \(2 such cells\).*"
        r"data.bad_values=missing",
    ):
        panel(tmp_path, text, **settings)
    p = panel(tmp_path, text, bad_values="missing", freq="1", **settings)
    assert str(p.notes[0]).startswith("2 cells that are not a number count as missing")
    assert "line 4, column `no2`: ' '" in str(p.notes[0])
    frame = pd.DataFrame({"ds": [1, 2], "y": [1.0, "x"]})
    table = table_from_frame(frame, DataConfig(id=None, bad_values="missing"))
    np.testing.assert_array_equal(table.values[:, 0], [1, NAN])
    with pytest.raises(DataError, match="column `y` holds no numbers"):
        panel(tmp_path, "ds,y\n1,a\n2,b\n", bad_values="missing", id=None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"row": "plcae"}, r"no column `plcae` \(set by `data.row`\) \(did you mean `place`"),
        ({"row": "place", "row_from_file": "x"}, r"`data.row` .* and `data.row_from_file`"),
        ({"row": "place", "wide_columns_are": "rows"}, "exclude each other"),
        ({"static_covariates": "wind", "wide_columns_are": "series"}, "exclude each other"),
        ({"wide_columns_are": "row"}, r"did you mean `rows`"),
        ({"row": "place", "target": "no2", "past_covariates": "no2"}, "given two roles"),
        ({"row": "place", "target": ["no2"], "past_covariates": ["rain"]}, "set by `data.past_cov"),
        ({"row_from_file": "("}, "is not a regular expression"),
        ({"row_from_file": "(zz)"}, r"`data.row_from_file` \(=\(zz\)\) finds nothing"),
        ({"row": "place", "bad_values": "drop"}, "`data.bad_values` "),
        ({"row": "place", "id": "shop"}, r"no column `shop` \(set by `data.id`\)"),
        ({"time": [], "row": "place"}, "`data.time` must name the column of time"),
        ({"row": ""}, r"no column `` \(set by `data.row`\)"),
        ({"time": {"a": 1}, "row": "place"}, "`data.time` .* must be a column's name"),
    ],
)
def test_roles_that_do_not_fit_are_named(
    tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    data = {"target": "no2", **settings}
    if "wide_columns_are" in settings:
        data.pop("target")
    with pytest.raises((DataError, ConfigError), match=message):
        panel(tmp_path, STATIONS, **data)


def test_no_file_for_a_pattern(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`data.path` .*: no file matches"):
        read_table(DataConfig(path=str(tmp_path / "*.csv")))


def test_rows_of_different_frequencies_are_named(tmp_path: Path) -> None:
    fast = "".join(f"fast,{t},1\n" for t in range(24))
    slow = "".join(f"slow,{t},1\n" for t in range(0, 24, 3))
    text = "place,ds,y\n" + fast + slow
    with pytest.raises(
        DataError,
        match=r"family row `slow` comes every 3 steps of 1, series `series`, family row `fast` "
        r"every step: .* `data.freq=1`",
    ):
        panel(tmp_path, text, row="place")
    p = panel(tmp_path, text, row="place", freq="1")
    assert p.values.shape == (24, 1, 2)
    holes = "".join(f"holes,{t},1\n" for t in (0, 2, 5, 6, 9, 11, 15, 20))
    assert panel(tmp_path, "place,ds,y\n" + fast + holes, row="place").n_rows == 2


def test_monthly_and_quarterly_rows_too() -> None:
    months = pd.date_range("2020-01-01", periods=24, freq="MS")
    frame = pd.concat(
        [
            pd.DataFrame({"place": "m", "ds": months, "y": 1.0}),
            pd.DataFrame({"place": "q", "ds": months[::3], "y": 1.0}),
        ]
    )
    with pytest.raises(DataError, match="family row `q` comes every 3 steps of MS"):
        panel_of(frame, row="place")


def test_present_tells_a_row_of_empty_cells_from_one_that_is_not_there() -> None:
    lines = [("a", "x", 1, 1.0), ("a", "y", 1, NAN), ("b", "x", 1, NAN), ("b", "x", 2, 3.0)]
    p = panel_of(pd.DataFrame(lines, columns=["unique_id", "place", "ds", "y"]), "1", row="place")
    assert p.present.tolist() == [[True, True], [True, False]]
    assert "2 of 4 values are missing (50.0%" in str(p.notes[0])
    assert p.lagging_rows() == ["y"]
    assert p.with_rows(["z", "y"]).present.tolist() == [[False, True], [False, False]]


def test_rows_that_are_ids_in_truth_are_refused_before_the_memory_is_taken() -> None:
    n = 4000
    frame = pd.DataFrame({"unique_id": np.arange(n), "place": np.arange(n), "ds": 1, "y": 1.0})
    with pytest.raises(DataError, match=r"set it as `data.id`, with data\.row=null"):
        panel_of(frame, "1", row="place")


def test_rows_and_channels_can_be_taken_in_another_order(tmp_path: Path) -> None:
    p = panel(tmp_path, STATIONS, row="place", target=["no2", "wind"])
    other = p.with_rows(["east", "south", "north"]).with_channels([1, 0])
    assert (other.rows, other.channels) == (("east", "south", "north"), ("wind", "no2"))
    assert other.values[..., 0].isnan().all()
    np.testing.assert_array_equal(other.values[:, 1, 1], p.values[:, 0, 1])
    assert other.offset[0].tolist() == [[0, 5, 1], [0, 21, 10]]
    assert not p.values[..., 0].isnan().all()
