"""A mark groups digits only where the cells show that it does."""

import pandas as pd
import pytest

from tests.helpers.checks import raw_table_of
from tsconv.check.suggestions.number_format import suggest_number_format
from tsconv.config.schema import DataConfig


@pytest.mark.parametrize(
    ("cells", "sep", "keys"),
    [
        (["2.006", "1.998", "?"], ";", {}),
        (["2.006", "1.234.567", "18.000"], ";", {"data.decimal": ",", "data.thousands": "."}),
        (["1.234,5", "999,1"], ";", {"data.decimal": ",", "data.thousands": "."}),
        (["18,228", "17,001"], ";", {}),
        (["18,228", "950"], ";", {"data.thousands": ","}),
        (["18,228", "17,001"], ",", {"data.thousands": ","}),
        (["1,5", "2,25"], ";", {"data.decimal": ","}),
        (["2 006", "1 998,5"], ";", {"data.decimal": ",", "data.thousands": "space"}),
    ],
)
def test_marks_of_numbers(cells: list[str], sep: str, keys: dict[str, str]) -> None:
    raw_table = raw_table_of(pd.DataFrame({"y": pd.Series(cells, dtype="object")}))
    assert suggest_number_format(raw_table, DataConfig(sep=sep)).keys == keys
