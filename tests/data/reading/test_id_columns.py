"""Ids of one column or several: their text, and the file's own columns and types beside it."""

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
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.future_file import with_future
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.errors import ConfigError, DataError

DRUGS = (
    "who,kind,code,ds,y\n"
    "General,Co-payments,007,2024-01-01,1\nGeneral,Co-payments,007,2024-02-01,2\n"
    "General,Safety net,007,2024-01-01,3\nGeneral,Safety net,007,2024-02-01,4\n"
    "General,Co-payments,8,2024-01-01,5\nGeneral,Co-payments,8,2024-02-01,6\n"
)


def test_several_columns_of_a_csv_are_text_together_and_apart(tmp_path: Path) -> None:
    table = read_table(DataConfig(path=write(tmp_path, DRUGS), id=["who", "kind", "code"]))
    assert table.ids == (
        "General/Co-payments/007",
        "General/Safety net/007",
        "General/Co-payments/8",
    )
    assert table.codes.tolist() == [0, 0, 1, 1, 2, 2]
    columns = build_panel(table).id_columns
    assert columns.names == ("who", "kind", "code")
    assert [v.tolist() for v in columns.values][2] == ["007", "007", "8"]
    assert [str(v.dtype) for v in columns.values] == ["str"] * 3


def test_types_of_parquet_and_frames_stay(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"store": [7, 7, 8, 8], "item": list("abab"), "ds": [1, 1, 1, 1], "y": [1.0, 2, 3, 4]}
    )
    frame = pd.concat([frame, frame.assign(ds=2)])
    frame.to_parquet(tmp_path / "a.parquet")
    roles: dict[str, Any] = {"id": ["store", "item"]}
    of_file = read_table(DataConfig(path=str(tmp_path / "a.parquet"), **roles))
    of_frame = table_from_frame(frame.astype({"item": "category"}), DataConfig(**roles))
    for table, item_type in ((of_file, "str"), (of_frame, "category")):
        assert table.ids == ("7/a", "7/b", "8/a", "8/b")
        store, item = table.id_columns.values
        assert (store.dtype, store.tolist()) == (np.dtype("int64"), [7, 7, 8, 8])
        assert (str(item.dtype), item.tolist()) == (item_type, ["a", "b", "a", "b"])


def test_one_column_is_its_own_text(tmp_path: Path) -> None:
    table = read_table(DataConfig(path=write(tmp_path, "unique_id,ds,y\na/b,1,1\na/b,2,2\n")))
    assert table.ids == ("a/b",)
    assert table.id_columns.values[0].tolist() == ["a/b"]


@pytest.mark.parametrize(
    "roles", [{"id": None}, {"wide_columns_are": "rows"}, {"wide_columns_are": "series"}]
)
def test_without_an_id_column_there_are_none(roles: dict[str, Any]) -> None:
    frame = pd.DataFrame({"ds": [1, 2], "y": [1.0, 2.0]})
    assert table_from_frame(frame, DataConfig(**roles)).id_columns.names == ()


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ([], r"`data.id` \(=\[\]\) names no column"),
        (["who", "who"], r"names column `who` twice"),
        ({"a": 1}, r"must be a column's name, or a list of names"),
        (True, r"must be a column's name"),
    ],
)
def test_lists_that_name_no_columns_are_refused(identity: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        table_from_frame(pd.DataFrame({"who": ["a"], "ds": [1], "y": [1]}), DataConfig(id=identity))


def test_an_empty_cell_names_its_column(tmp_path: Path) -> None:
    path = write(tmp_path, DRUGS.replace("General,Safety net,007,2024-02", "General,,007,2024-02"))
    with pytest.raises(DataError, match=r"line 5, column `kind`: the id is empty"):
        read_table(DataConfig(path=path, id=["who", "kind", "code"]))


def test_a_template_has_the_columns_and_is_read_back() -> None:
    frame = pd.DataFrame(
        {"store": [7, 7, 8, 8], "item": list("aabb"), "ds": [1, 2, 1, 2], "y": 1.0, "promo": 0.0}
    )
    roles = DataConfig(id=["store", "item"], future_covariates="promo")
    table = table_from_frame(frame, roles)
    template = template_frame(build_panel(table), roles, 2)
    assert template.drop(columns="promo").to_dict("list") == {
        "ds": [3, 4, 3, 4], "store": [7, 7, 8, 8], "item": list("aabb"),
    }  # fmt: skip
    ahead = table_from_frame(template.assign(promo=1.0), roles, future_only=True)
    both = with_future(table, ahead)
    assert both.future is not None
    assert both.future.values.ravel().tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    with pytest.raises(DataError, match=r"no column `item`"):
        table_from_frame(template.drop(columns="item"), roles, future_only=True)


CELLS = st.sampled_from(["a", "b", "a/b", "\\", "a\\", "/", "\\/", "b "])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12), st.permutations(range(3)))
def test_the_order_of_the_columns_is_only_that_of_the_names(
    keys: list[tuple[str, str, str]], order: list[int]
) -> None:
    """Different keys have different text, and the lines of a series are the same ones."""
    frame = pd.DataFrame(keys, columns=list("pqr")).assign(ds=range(len(keys)), y=1.0)
    table = table_from_frame(frame, DataConfig(id=list("pqr")))
    names = ["pqr"[i] for i in order]
    other = table_from_frame(frame, DataConfig(id=names))
    assert len(set(table.ids)) == len(table.ids) == len(set(keys))
    assert other.codes.tolist() == table.codes.tolist()
    assert other.id_columns.names == tuple(names)
    for name, values in zip(names, other.id_columns.values, strict=True):
        assert values.tolist() == table.id_columns.values["pqr".index(name)].tolist()
        assert values.iloc[other.codes].tolist() == frame[name].tolist()
