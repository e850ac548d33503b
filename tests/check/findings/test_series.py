"""Series that teach little, and names that differ too little."""

import numpy as np
import pandas as pd
import pytest

from tests.helpers.checks import first_of, sorted_table_of
from tests.helpers.frames import daily_frame
from tsconv.check.findings.series import (
    find_family,
    find_near_equal_names,
    find_open_tails,
    find_uninformative_series,
)
from tsconv.check.findings.values import find_missing_values
from tsconv.data.reading.names import near_equal_notes


def test_odd_series_and_near_equal_names() -> None:
    ids = ["7", "007", "North", "north ", "empty", "flat", "one"]
    frame = pd.DataFrame(
        {"unique_id": np.repeat(ids, 6), "ds": np.tile(np.arange(6), 7), "y": np.arange(42.0) % 5}
    )
    frame.loc[frame.unique_id == "empty", "y"] = None
    frame.loc[frame.unique_id == "flat", "y"] = 3.0
    frame.loc[(frame.unique_id == "one") & (frame.ds > 0), "y"] = None
    table = sorted_table_of(frame)
    got = {f.kind: f for f in [*find_near_equal_names(table), *find_uninformative_series(table)]}
    assert got["near-equal names"].count == 2
    assert first_of(got["near-equal names"]) == "`7` and `007`"
    for kind, name in (("empty", "empty"), ("one-point", "one"), ("constant", "flat")):
        assert got[f"{kind} series"].count == 1
        assert first_of(got[f"{kind} series"]) == f"series `{name}`"
    missing = find_missing_values(table)
    assert missing is not None
    assert missing.count == 11


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a b", "ab", True), ("North", "NORTH ", True), ("shop-1", "shop_1", True),
        ("shop 1", "shop-1", True), ("7", "007", True), ("1-1", "11", False), ("-5", "5", False),
        ("1-1", "1_1", True), ("70", "7", False), ("0", "00", True),
    ],
)  # fmt: skip
def test_what_makes_names_nearly_equal(one: str, other: str, alike: bool) -> None:
    frame = pd.DataFrame({"unique_id": [one, other] * 3, "ds": np.repeat(range(3), 2), "y": 1.0})
    assert len(find_near_equal_names(sorted_table_of(frame))) == alike
    if near_equal_notes((one, other), "id"):  # reading has a note
        assert alike


def test_a_family_has_the_same_times() -> None:
    frame = daily_frame(3, 20)
    family = find_family(sorted_table_of(frame), ["unique_id"])
    assert family is not None
    assert family.count == 3
    assert "data.row=unique_id data.id=null" in (family.advice or "")
    assert find_family(sorted_table_of(frame), []) is None
    assert find_family(sorted_table_of(frame.iloc[1:]), ["unique_id"]) is None


def test_open_tails_suggest_the_columns_that_are_known_ahead() -> None:
    frame = daily_frame(2, 20)
    frame.loc[[18, 19, 39], "y"] = None
    table = sorted_table_of(frame)
    tails = find_open_tails(table, ["price"])
    assert tails is not None
    assert tails.count == 3
    assert "3 lines at the end of 2 series have no target" in tails.text
    assert "data.future_covariates=[price]" in (tails.advice or "")
