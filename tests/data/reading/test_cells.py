"""Cells of a column of numbers: sentinels, and spellings of missing values."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import checked_numbers, sentinel_notes
from tsconv.data.reading.read import read_table
from tsconv.data.settings import MissingPolicy
from tsconv.data.source_column import SourceColumn
from tsconv.errors import DataError
from tsconv.notes import NoteKind


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
    column = SourceColumn("y", lambda i: f"line {i + 2}")
    notes = sentinel_notes(np.array(values, dtype=float), column)
    assert len(notes) == count
    if values[:3] == [1, 2, -9999]:
        assert str(notes[0]) == (
            "line 4, column `y`: 1 cell is -9999, far from all other values: if it means a "
            "missing value, set `data.na_values='[-9999]'`"
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


def test_a_value_far_down_the_column_is_named() -> None:
    values = np.ones(200_000)
    values[150_001] = 1e31
    values[170_000] = np.inf
    with pytest.raises(DataError, match="150003, column `y`: 1e\\+31 is outside"):
        checked_numbers(
            pd.Series(values[:160_000]),
            SourceColumn("y", lambda i: f"{i + 2}"),
            MissingPolicy.of(DataConfig()),
        )
    with pytest.raises(DataError, match="170002, column `y`: inf is not finite"):
        checked_numbers(
            pd.Series(values),
            SourceColumn("y", lambda i: f"{i + 2}"),
            MissingPolicy.of(DataConfig()),
        )
