"""Covariates from a frame to the grid: delays, the known future, one value a series, encodings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.batches.chunks import gather
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.covariates.encode import (
    Encoding,
    covariate_sizes,
    encode,
    fit_encodings,
    with_calendar,
)
from tsconv.data.covariates.shift import TrainingRange
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError
from tsconv.notes import NoteKind

NAN = float("nan")
FRAME = pd.DataFrame(
    {
        "unique_id": list("aaaaabbbb"),
        "ds": [1, 2, 3, 4, 5, 3, 4, 5, 6],
        "y": [1.0, 2.0, 3.0, NAN, NAN, 7.0, 8.0, 9.0, NAN],
        "load": [10, 20, 30, 40, 50, 1, 2, 3, 4],
        "sky": ["sun", "rain", "", "sun", "rain", "fog", "sun", "sun", "rain"],
        "promo": [0, 1, 0, 1, 0, 1, 0, NAN, 1],
        "kind": list("xxxxxyyyy"),
        "size": [2.0] * 5 + [4.0] * 4,
    }
)
ROLES = DataConfig(
    past_covariates=[{"name": "load", "delay": 2}, {"name": "sky", "delay": 1}],
    future_covariates="promo",
    static_covariates=["size", "kind"],
    categories=["sky", "kind"],
    freq="1",
)


def panel_of(frame: pd.DataFrame = FRAME, **changes: Any) -> Panel:
    roles = dataclasses.replace(ROLES, **changes)
    return build_panel(table_from_frame(frame, roles), roles.freq)


def test_lines_after_the_last_target_hold_the_known_future_alone() -> None:
    panel = panel_of()
    assert panel.lengths.tolist() == [3, 3]
    assert panel.covariates is not None
    assert panel.covariates.lengths.tolist() == [5, 4]
    promo = panel.covariates.values[:, panel.covariates.names.index("promo"), 0]
    np.testing.assert_array_equal(promo, [0, 1, 0, 1, 0, 1, 0, NAN, 1])
    text = "3 lines after the last observed target of their series"
    assert any(text in str(n) for n in panel.notes)


def test_without_a_known_future_the_lines_after_the_last_target_are_trimmed() -> None:
    panel = panel_of(future_covariates=None)
    assert panel.lengths.tolist() == panel_of().lengths.tolist()
    assert NoteKind.TRIMMED_ENDS in [note.kind for note in panel.notes]


def test_a_delayed_covariate_stands_where_it_became_known() -> None:
    panel = panel_of()
    np.testing.assert_array_equal(panel.values[:, 1, 0], [NAN, NAN, 10, NAN, NAN, 1])
    assert panel.covariates is not None
    assert (panel.covariates.names, panel.covariates.n_past) == (("sky", "promo"), 1)
    sky = panel.covariates.categories["sky"]
    seen = [sky[int(c)] if c == c else None for c in panel.covariates.values[:, 0, 0].tolist()]
    assert seen == [None, "sun", "rain", "", "sun", None, "fog", "sun", "sun"]


def test_static_columns_have_one_value_for_each_series_and_row() -> None:
    panel = panel_of()
    assert panel.static is not None
    assert panel.static.names == ("kind", "size")  # categories first
    assert panel.static.values[:, :, 0].tolist() == [[0, 2], [1, 4]]
    broken = FRAME.assign(size=[2.0, 2, 3, 2, 2, 4, 4, 4, 4])
    with pytest.raises(DataError, match=r"lines 2 and 4: `size` is 2 and 3 for series `a`"):
        panel_of(broken)
    broken = FRAME.assign(kind=list("xxxxzyyyy"))
    with pytest.raises(DataError, match=r"lines 2 and 6: `kind` is 'x' and 'z' for series `a`"):
        panel_of(broken)


def test_encodings_come_from_the_training_part_and_know_the_unknown() -> None:
    panel = panel_of()
    encodings = fit_encodings(panel, torch.tensor([2, 0]))  # series b does not train
    assert encodings == (
        Encoding("sky", "past", categories=("sun",)),
        Encoding("promo", "future", 0.5, 0.5, training_range=TrainingRange.of(np.array([0.0, 1]))),
        Encoding("kind", "static", categories=("x",)),
        Encoding("size", "static", 2.0, 0.0),  # one value has no deviation
    )
    assert covariate_sizes(encodings) == {
        "past_categories": (1,), "future_categories": (), "n_future": 1,
        "static_categories": (1,), "n_static": 1,
    }  # fmt: skip
    coded = encode(panel, encodings)
    assert coded.covariates is not None
    assert coded.static is not None
    np.testing.assert_array_equal(coded.covariates.values[:, 0, 0], [NAN, 1, 0, 0, 1, NAN, 0, 1, 1])
    np.testing.assert_array_equal(coded.covariates.values[:5, 1, 0], [-1, 1, -1, 1, -1])
    assert coded.static.values[:, :, 0].tolist() == [[1, 0], [0, 0]]
    assert any("`size` is constant in the training" in str(n) for n in coded.notes)
    text = "`sky`: `rain`, `fog`, `` did not occur in training (3 such categories)"
    assert any(text in str(n) for n in coded.notes)
    again = encode(panel, [Encoding.from_dict(dataclasses.asdict(e)) for e in encodings])
    assert torch.equal(again.static.values, coded.static.values)  # type: ignore[union-attr]


def test_numbers_far_from_the_training_are_taken_as_far_and_told() -> None:
    panel = panel_of(FRAME.assign(promo=[0, 1, 0, 1e6, 0, 1, 0, NAN, 1]))
    coded = encode(panel, fit_encodings(panel_of(), torch.tensor([2, 2])))
    assert coded.covariates is not None
    assert coded.covariates.values[3, 1, 0] == 10
    assert any("`promo`: 1 value such as 1e+06" in str(n) for n in coded.notes)


def test_a_category_without_any_value_is_left_out() -> None:
    empty = panel_of(FRAME.assign(kind=""))
    encodings = fit_encodings(empty, torch.tensor([3, 3]))
    assert [e.name for e in encodings] == ["sky", "promo", "size"]
    coded = encode(empty, encodings)
    assert coded.static is not None
    assert coded.static.names == ("size",)
    assert any("`kind` has no values in the training data" in str(n) for n in coded.notes)


def test_encodings_do_not_depend_on_the_order_of_the_series() -> None:
    swapped = pd.concat([FRAME[5:], FRAME[:5]], ignore_index=True)
    ends = torch.tensor([3, 3])
    assert fit_encodings(panel_of(swapped), ends) == fit_encodings(panel_of(), ends)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"future_covariates": None}, "the future covariate `promo` of the training is missing"),
        ({"categories": "sky"}, r"covariate `kind`|column `kind`"),
        ({"categories": ["sky", "kind", "promo"]}, "`promo` holds categories, but held numbers"),
    ],
)
def test_a_file_whose_covariates_do_not_fit_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    encodings = fit_encodings(panel_of(), torch.tensor([3, 3]))
    with pytest.raises((DataError, ConfigError), match=message):
        encode(panel_of(**changes), encodings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"past_covariates": [{"name": "load", "delay": -1}]}, "the delay of `load`"),
        ({"past_covariates": [{"name": "load", "lag": 1}]}, "delay: 2"),
        ({"categories": "y"}, "`data.categories` names `y`"),
        ({"static_covariates": "promo", "categories": []}, "given two roles"),
        ({"future_covariates": "prmo"}, r"set by `data.future_covariates`\).*`promo`"),
    ],
)
def test_roles_at_fault_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, ConfigError), match=message):
        panel_of(**changes)


def test_wide_columns_share_the_covariates_beside_them() -> None:
    frame = pd.DataFrame(
        {"day": [1, 2, 3], "p": [1.0, 2, NAN], "q": [5.0, 6, NAN], "promo": [0, 1, 1]}
    )
    roles = DataConfig(time="day", wide_columns_are="series", future_covariates="promo", freq="1")
    panel = build_panel(table_from_frame(frame, roles), "1")
    assert (panel.ids, panel.lengths.tolist()) == (("p", "q"), [2, 2])
    assert panel.covariates is not None
    assert panel.covariates.values[:, 0, 0].tolist() == [0, 1, 1, 0, 1, 1]


def test_a_chunk_brings_the_covariates_of_its_horizon() -> None:
    panel = panel_of()
    panel = with_calendar(encode(panel, fit_encodings(panel, torch.tensor([3, 3]))), (), 2)
    whole = OriginRange(torch.zeros(2).long(), panel.lengths - 1, panel.lengths)
    batch = gather(panel, whole, torch.tensor([0, 1]), torch.tensor([1, 2]), 1, 2, 2)
    assert batch.covariates is not None
    assert batch.covariates.values.shape == (2, 2, 1, 5)  # two steps before, the origin, two ahead
    assert batch.covariates.seen[0].tolist() == [[[0, 0, 1, 1, 1]], [[0, 1, 1, 1, 1]]]
    assert batch.covariates.seen[1, 1].tolist() == [[1, 1, 0, 1, 0]]  # b's file ends a step ahead
    assert batch.covariates.static.shape == (2, 2, 1)
