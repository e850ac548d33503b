# ruff: noqa: E501
"""Files with a line a series and a column a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.files import write
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.data.reading.table import Table
from tsconv.errors import TsconvError

STEPS: dict[str, Any] = {"wide_columns_are": "steps", "id": "V1"}
RAGGED = 'V1,V2,V3,V4\n"H1",1,2,3\nH2,4,,\nH3,5,,6\n'


def read(folder: Path, text: str, **keys: Any) -> Table:
    return read_table(DataConfig(path=write(folder, text), **{**STEPS, **keys}))


def test_series_end_where_their_last_value_is(tmp_path: Path) -> None:
    panel = build_panel(read(tmp_path, RAGGED))
    assert panel.ids == ("H1", "H2", "H3")
    assert panel.lengths.tolist() == [3, 1, 3]
    np.testing.assert_array_equal(panel.values[:, 0, 0], [1, 2, 3, 4, 5, np.nan, 6])
    assert (panel.start.tolist(), panel.frequency.alias) == ([1, 1, 1], "1")


@pytest.mark.parametrize(
    ("names", "alias", "first"),
    [
        (["2015", "2016", "2017"], "YS", "2015-01-01"),
        (["2024-01", "2024-02", "2024-03"], "MS", "2024-01-01"),
        (["2024/1", "2024/2", "2024/3"], "MS", "2024-01-01"),
        (["Jan 2024", "Feb 2024", "Mar 2024"], "MS", "2024-01-01"),
        (["2024-03-01", "2024-03-02", "2024-03-03"], "D", "2024-03-01"),
        (["2024-03-01 10:00", "2024-03-01 10:30", "2024-03-01 11:00"], "30min", "2024-03-01T10:00"),
        (["2024-03", "2024-01", "2024-02"], "MS", "2024-01-01"),
    ],
)
def test_columns_called_by_times_have_those(
    names: list[str], alias: str, first: str, tmp_path: Path
) -> None:
    values = {name: 1 + i for i, name in enumerate(sorted(names, key=pd.Timestamp))}
    text = f"shop,{','.join(names)}\na,{','.join(str(values[n]) for n in names)}\n"
    panel = build_panel(read(tmp_path, text, id="shop"))
    assert (panel.frequency.alias, panel.start[0]) == (alias, np.datetime64(first))
    assert panel.values.ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("names", "keys", "first"),
    [
        (["01.02.24", "02.02.24", "03.02.24"], {"time_format": "%d.%m.%y"}, "2024-02-01"),
        (["2024-07-01 00:00", "2024-07-01 01:00"], {"timezone": "Europe/Berlin"}, "2024-06-30T22"),
        (["2024-07-01 00:00", "2024-07-01 01:00"], {"times_are": "utc"}, "2024-07-01T00"),
    ],
)
def test_names_are_times_as_the_config_says(
    names: list[str], keys: dict[str, Any], first: str, tmp_path: Path
) -> None:
    table = read(tmp_path, f"V1,{','.join(names)}\na{',1' * len(names)}\n", **keys)
    assert table.time[0] == np.datetime64(first)


def test_whole_numbers_are_the_steps_that_they_say(tmp_path: Path) -> None:
    assert read(tmp_path, "V1,5,6,7\na,1,2,3\n").time.tolist() == [5, 6, 7]
    assert read(tmp_path, "V1,w1,w2,w3\na,1,2,3\n").time.tolist() == [1, 2, 3]


def test_static_covariates_rows_and_chosen_steps(tmp_path: Path) -> None:
    text = "shop,item,size,note,s1,s2\na,x,3,?,1,2\na,y,4,?,5,\nb,x,7,?,8,9\n"
    table = read(
        tmp_path, text, id="shop", row="item", static_covariates="size", target=["s1", "s2"]
    )
    assert (table.ids, table.rows) == (("a", "b"), ("x", "y"))
    panel = build_panel(table)
    assert panel.static is not None
    np.testing.assert_array_equal(panel.static.values[:, 0], [[3, 4], [7, np.nan]])
    assert table.locations(3).endswith("line 4")


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (RAGGED.replace("5,,6", "5,x,6"), {}, "line 4, column `V3`: 'x' is not a number"),
        (
            RAGGED,
            {"id": None},
            "column `V1`: 'H1' is not a number (3 such cells); if the column is no step, name it in `data.id`",
        ),
        ("a,b\n1,2\n3,4\n", {"id": None}, "each of its 2 lines is a series"),
        (RAGGED, {"id": "unique_id"}, "no column `unique_id` (set by `data.id`)"),
        (RAGGED.replace("H3", "H1"), {}, "lines 2 and 4 are both series `H1` (1 such line)"),
        (RAGGED, {"time": "V2"}, "`data.time` (=V2) and `data.wide_columns_are` (=steps) exclude"),
        (RAGGED, {"past_covariates": "V2"}, "`data.past_covariates` and `data.wide_columns_are`"),
        ("V1,2024-01,2024/01\na,1,2\n", {}, "column `V1`"),
        (
            "V1,zip," + ",".join(f"2024-{m:02}" for m in range(1, 13)) + "\na" + ",1" * 13 + "\n",
            {},
            "line 1, column `zip`: not a time, as the names of the other columns (2024-01, ...)",
        ),
        ("V1,2024-1-1,2024-01-01\na,1,2\n", {"time_format": "%Y-%m-%d"}, "are the same time"),
    ],
)
def test_what_cannot_be_steps_is_told(
    text: str, keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    if message == "column `V1`":  # names of two kinds count: steps 1 and 2
        assert read(tmp_path, text, **keys).time.tolist() == [1, 2]
        return
    with pytest.raises(TsconvError) as caught:
        read(tmp_path, text, **keys)
    assert message in str(caught.value)


def test_a_sentinel_is_named_by_its_own_column(tmp_path: Path) -> None:
    table = read(tmp_path, "V1,V2,V3\na,1,2\nb,3,-9999\n")
    assert "line 3, column `V3`: 1 cell is -9999" in str(table.notes[0])


CELL = st.one_of(st.none(), st.integers(-5, 5))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(CELL, min_size=4, max_size=4), min_size=1, max_size=6))
def test_long_form_gives_the_same_panel(lines: list[list[int | None]]) -> None:
    wide = pd.DataFrame(lines, columns=list("pqrs"), dtype="float64").assign(V1=range(len(lines)))
    if wide[list("pqrs")].isna().all(axis=None):
        return
    number = {"p": 1, "q": 2, "r": 3, "s": 4}
    long = wide.melt("V1", list("pqrs"), "ds", "y").replace({"ds": number})
    last = long.dropna().groupby("V1")["ds"].max().reindex(wide["V1"]).fillna(1)
    long = long[long["ds"] <= long["V1"].map(last)].sort_values(["V1", "ds"])
    if long.groupby("V1").size().max() < 2:
        return
    found = build_panel(table_from_frame(wide, DataConfig(**STEPS)), "1")
    expected = build_panel(table_from_frame(long, DataConfig(id="V1")), "1")
    assert (found.ids, found.lengths.tolist()) == (expected.ids, expected.lengths.tolist())
    np.testing.assert_array_equal(found.values, expected.values)
