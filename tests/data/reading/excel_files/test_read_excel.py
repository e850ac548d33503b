# ruff: noqa: E501
"""Excel workbooks: sheets, headers, dates, numbers as text, formulas, and the lines of faults."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from tests.helpers.frames import daily_frame
from tests.helpers.panels import panel_of
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table
from tsconv.errors import DataError

DAYS = [datetime.datetime(2024, 1, d) for d in range(1, 5)]


def book(folder: Path, **sheets: list[list[Any]]) -> str:
    """A workbook with these sheets, each a list of lines."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, lines in sheets.items():
        sheet = workbook.create_sheet(title)
        for line in lines:
            sheet.append(line)
    path = folder / "data.xlsx"
    workbook.save(path)
    return str(path)


def lines(*cells: Any) -> list[list[Any]]:
    """A header, and a line for each of four days with the cells in place of y."""
    return [["ds", "y"], *([day, cell] for day, cell in zip(DAYS, cells, strict=False))]


def read(path: str, **keys: Any) -> Any:
    return read_table(DataConfig(path=path, **{"id": None, **keys}))


@pytest.mark.parametrize("freq", ["D", "10min", "h", "MS"])
def test_what_pandas_writes_is_the_same_panel(freq: str, tmp_path: Path) -> None:
    frame = daily_frame(2, 300)
    frame["ds"] = [*pd.date_range("2023-12-31 23:50", periods=300, freq=freq)] * 2
    frame["ds"] = frame["ds"].dt.floor("D") if freq in ("D", "MS") else frame["ds"]
    frame.loc[5, "y"] = None
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    table = read_table(DataConfig(path=str(tmp_path / "a.xlsx")))
    assert table.locations(300) == f"{tmp_path}/a.xlsx: line 302"
    found, expected = build_panel(table), panel_of(frame)
    assert (found.ids, found.frequency) == (expected.ids, expected.frequency)
    assert found.start.tolist() == expected.start.tolist()
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-14)  # 16 digits


def test_cells_of_every_kind(tmp_path: Path) -> None:
    head = ["store", "code", "date", "clock", "sold", "open", "sky", None, "x"]
    path = book(
        tmp_path,
        Sheet=[
            head,
            [7, "007", DAYS[0], datetime.time(10, 30), "18,228", True, "fair"],
            [],
            [7, "007", DAYS[0], datetime.time(10, 40), 3, False, None],
            [8, "NA", DAYS[0], datetime.time(10, 30), "NA", True, "rain"],
        ],
        Empty=[],
    )
    table = read(
        path, id=["store", "code"], time=["date", "clock"], target="sold", thousands=",",
        past_covariates=["open", "sky"], categories="sky",
    )  # fmt: skip
    assert table.ids == ("7/007", "8/NA")
    assert [v.dtype.kind for v in table.id_columns.values] == ["i", "O"]
    assert table.time.astype("datetime64[m]").astype(str).tolist()[:2] == [
        "2024-01-01T10:30", "2024-01-01T10:40",
    ]  # fmt: skip
    np.testing.assert_array_equal(table.values, [[18228, 1], [3, 0], [np.nan, 1]])
    assert table.locations(1) == f"{path}: line 4"  # a blank line counts
    assert table.past.categories["sky"] == ("fair", "rain", "")


def test_one_of_several_sheets(tmp_path: Path) -> None:
    path = book(tmp_path, North=lines(1, 2), South=lines(3, 4), Blank=[])
    with pytest.raises(DataError, match=r"2 sheets: set `data.sheet=` to one of North, South"):
        read(path)
    assert read(path, sheet="South").values.ravel().tolist() == [3, 4]
    with pytest.raises(DataError, match=r"called `south` \(`data.sheet`\) \(did you mean `South`"):
        read(path, sheet="south")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([["Report of sales"], ["ds", "y", "z"], [DAYS[0], 1, 2]], "line 1 of sheet `S` should be the header, but names only 1 of 3 columns (`Report of sales`): delete the lines"),
        (lines(1, "x"), "line 3, column `y`: 'x' is not a number"),
        (lines(1, DAYS[0]), "line 3, column `y`: '2024-01-01 00:00:00' is not a number"),
        ([*lines(1), [], [None, 2]], "line 4, column `ds`: the time is missing"),
        ([*lines(1), ["soon", 2]], "line 3, column `ds`: 'soon' is not a time"),
        (lines(), "there are no lines below the header"),
        ([], "the file is empty"),
        (lines(1, "=B2+1", "=B3+1"), "line 3, column `y`: the file holds a formula (=B2+1) without its value (2 such cells): open"),
        ([["ds", "y"], ["=TODAY()", "=1"]], "line 2, column `ds`: the file holds a formula"),
        ([["ds", "ds"], [DAYS[0], 1]], "two columns are called `ds`"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_by_line(
    content: list[list[Any]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        read(book(tmp_path, S=content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_workbook_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("ds,y\n1,2\n")
    with pytest.raises(DataError, match="not an Excel file that can be read"):
        read(str(tmp_path / "a.xlsx"))
    path = book(tmp_path, S=lines(1, 2))
    with pytest.raises(DataError, match=r"expands from .* set `data.max_bytes=`"):
        read(path, max_bytes=100)


def test_without_openpyxl_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book(tmp_path, S=lines(1, 2))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError, match=r'pip install "tsconv\[excel\]"'):
        read(path)
