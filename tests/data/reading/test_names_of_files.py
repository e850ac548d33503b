"""Folders of files: the id or the row in a file's name, the target by its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.files import write
from tsconv.config.schema import DataConfig
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.future_file import read_future
from tsconv.data.reading.read import read_table
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError, DataError, TsconvError

BY_NAME: dict[str, Any] = {"id_from_file": r"(\w+)_\d+", "target_position": 2}


def folder(path: Path) -> Path:
    """Three files, each with a column of its own name."""
    for k, name in enumerate(("EUR", "USD", "007")):
        text = f"ds,{name} rate,promo\n" + "".join(f"2024-01-0{d},{d + k},0\n" for d in range(1, 5))
        write(path, text, f"{name}_2024.csv")
    return path


def read(path: Path, **keys: Any) -> Table:
    return read_table(DataConfig(path=str(folder(path) / "*.csv"), **{**BY_NAME, **keys}))


def test_files_whose_columns_differ_in_name_are_one_table(tmp_path: Path) -> None:
    table = read(tmp_path)
    assert (table.ids, table.channels) == (("007", "EUR", "USD"), ("y",))
    assert table.id_columns.names == ("unique_id",)
    assert table.id_columns.values[0].tolist() == ["007", "EUR", "USD"]
    assert table.values.ravel().tolist() == [3, 4, 5, 6, 1, 2, 3, 4, 2, 3, 4, 5]
    assert table.locations(4).endswith("EUR_2024.csv: line 2")


def test_one_file_keeps_the_name_of_its_column(tmp_path: Path) -> None:
    table = read_table(DataConfig(path=str(folder(tmp_path) / "EUR_2024.csv"), **BY_NAME))
    assert (table.ids, table.channels) == (("EUR",), ("EUR rate",))


def test_the_id_and_the_row_may_both_be_in_the_name(tmp_path: Path) -> None:
    table = read(tmp_path, row_from_file=r"_(\d+)")
    assert (table.ids, table.rows) == (("007", "EUR", "USD"), ("2024",))


def test_a_template_names_the_series(tmp_path: Path) -> None:
    roles = DataConfig(path=str(folder(tmp_path) / "*.csv"), future_covariates="promo", **BY_NAME)
    template = template_frame(build_panel(read_table(roles)), roles, 1)
    assert template["unique_id"].tolist() == ["007", "EUR", "USD"]
    (tmp_path / "ahead").mkdir()
    template.to_csv(tmp_path / "ahead" / "a.csv", index=False)
    roles.future_path = str(tmp_path / "ahead" / "a.csv")
    assert read_future(roles).ids == ("007", "EUR", "USD")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"id": "shop"}, "`data.id` (=shop) and `data.id_from_file`"),
        ({"id_from_file": "("}, "`data.id_from_file` (=() is not a regular expression"),
        ({"id_from_file": "x(9)"}, "`data.id_from_file` (=x(9)) finds nothing in this name"),
        ({"wide_columns_are": "series", "target_position": None}, "the columns are the series"),
        ({"target": "y"}, "`data.target` and `data.target_position` (=2): give one"),
        ({"wide_columns_are": "rows"}, "`data.wide_columns_are` and `data.target_position`"),
        ({"target_position": 0}, "`data.target_position` (=0) must be 1 or more"),
        ({"target_position": True}, "`data.target_position` (=True) must be 1 or more"),
        ({"target_position": 9}, "(=9), but there are 3 columns: ds, 007 rate, promo"),
        ({"target_position": 1}, "(=1) is column `ds`, which `data.time` names"),
    ],
)
def test_what_names_no_series_or_target_is_refused(
    keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(TsconvError) as caught:
        read(tmp_path, **keys)
    assert message in str(caught.value)
    assert isinstance(caught.value, (ConfigError, DataError))
