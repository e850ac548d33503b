"""Numbers as people write them: digits grouped in threes, decimal commas, and which of the two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.files import write
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files.text_numbers import text_to_numbers
from tsconv.data.reading.read import read_table
from tsconv.data.settings import FileFormat, MissingPolicy
from tsconv.data.source_column import SourceColumn
from tsconv.errors import ConfigError, DataError


def values(tmp_path: Path, cells: list[str], sep: str = ";", **keys: Any) -> list[float]:
    lines = "".join(f'{k}{sep}"{cell}"\n' for k, cell in enumerate(cells))
    path = write(tmp_path, f"ds{sep}y\n{lines}")
    table = read_table(DataConfig(path=path, id=None, sep=sep, **keys))
    return table.values[:, 0].tolist()


@pytest.mark.parametrize(
    ("thousands", "decimal", "cells"),
    [
        (",", ".", ["18,228", "1,234,567.5", "7", "-1,000"]),
        (".", ",", ["18.228", "1.234.567,5", "7", "-1.000"]),
        ("'", ".", ["18'228", "1\u2019234'567.5", "7", "-1'000"]),
        ("space", ",", ["18 228", "1\u202f234\u00a0567,5", "7", " -1 000 "]),
    ],
)
@pytest.mark.parametrize("sep", [",", ";"])
def test_grouped_digits_are_numbers(
    thousands: str, decimal: str, cells: list[str], sep: str, tmp_path: Path
) -> None:
    found = values(tmp_path, cells, sep, thousands=thousands, decimal=decimal)
    assert found == [18228, 1234567.5, 7, -1000]


@pytest.mark.parametrize("cell", ["1,23", "1234,567", "1,,234", ",123", "1,2345", "12.5,000"])
def test_groups_of_another_size_are_refused(cell: str, tmp_path: Path) -> None:
    words = (
        rf"line 3, column `y`: '{cell}' is not a number \(1 such cell\); "
        r"`data.thousands` \(=,\) must stand"
    )
    with pytest.raises(DataError, match=words):
        values(tmp_path, ["1,000", cell], thousands=",")


@pytest.mark.parametrize(
    ("cells", "keys", "advice"),
    [
        (
            ["18,228", "950", "1,001"],
            {},
            "if `,` groups digits, set `data.thousands=','`; else fix",
        ),
        (["18,228.5", "20,001.2"], {}, "if `,` groups digits, set `data.thousands=','`; else fix"),
        (["0,125", "1,250"], {}, "if that is a decimal comma, set `data.decimal=','`; else fix"),
        (["1,5", "2"], {}, "if that is a decimal comma, set `data.decimal=','`; else fix"),
        (
            ["18,228", "20,001"],
            {},
            "if `,` groups digits, set `data.thousands=','`; if it is a decimal comma, set "
            "`data.decimal=','`; else fix",
        ),
        (["1.5", "2,5"], {"decimal": ","}, "if that is a decimal point, set `data.decimal='.'`"),
        (["1.234,5"], {"decimal": ","}, "if `.` groups digits, set `data.thousands='.'`; else fix"),
        (["18 228"], {}, "if the space groups digits, set `data.thousands=space`; else fix"),
        (["18'228"], {}, 'if the apostrophe groups digits, set `data.thousands="\'"`; else fix'),
        (["soon"], {}, "'soon' is not a number (1 such cell); fix it, list it in"),
    ],
)
def test_a_mark_that_is_not_configured_is_told_for_what_it_is(
    cells: list[str], keys: dict[str, Any], advice: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        values(tmp_path, cells, **keys)
    assert advice in str(caught.value)


@pytest.mark.parametrize("thousands", ["x", "", ",,", "5", ";", "-"])
def test_marks_that_cannot_be_are_refused(thousands: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`data.thousands` \(=.*\) must be null, or one of"):
        values(tmp_path, ["1"], thousands=thousands)
    with pytest.raises(ConfigError, match=r"`data.thousands` and `data.decimal` are both ','"):
        values(tmp_path, ["1"], thousands=",", decimal=",")


@pytest.mark.parametrize("mark", [",", ".", "'", " ", "space"])
def test_a_mark_needs_no_quotes_on_the_command_line(mark: str) -> None:
    assert train_config(["horizon=1", f"data.thousands={mark}"]).data.thousands == mark


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=5),
    st.sampled_from([(",", "."), (".", ","), ("'", "."), (" ", ",")]),
)
def test_every_number_is_read_back(numbers: list[Any], marks: tuple[str, str]) -> None:
    thousands, decimal = marks
    swap = str.maketrans({",": thousands, ".": decimal})
    cells = pd.Series([f"{n:,.2f}".translate(swap) for n in numbers])
    form = FileFormat(decimal=decimal, thousands=thousands)
    found, _ = text_to_numbers(cells, SourceColumn("y", str), form, MissingPolicy())
    assert found.tolist() == [float(n) for n in numbers]
