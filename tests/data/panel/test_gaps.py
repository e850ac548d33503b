"""Steps of the grid without a line."""

import numpy as np
import pandas as pd
import pytest

from tests.helpers.frames import long
from tests.helpers.panels import panel_of
from tsconv.errors import DataError

NAN = float("nan")


HOLES = [("a", 1, 1.0), ("a", 2, NAN), ("a", 4, 4.0), ("b", 3, 5.0), ("b", 6, 6.0), ("b", 7, 7.0)]


def test_gaps_are_masked_or_zero_or_an_error() -> None:
    masked = panel_of(long(HOLES))
    np.testing.assert_array_equal(masked.values[:, 0, 0], [1, NAN, NAN, 4, 5, NAN, NAN, 6, 7])
    what = "3 of 9 steps of 1 (33.3%) are not in the file, first series `a` at 3"
    assert f"{what}: masked, not filled" in map(str, masked.notes)
    zero = panel_of(long(HOLES), gaps="zero")
    # An empty cell of a line that is there stays missing.
    np.testing.assert_array_equal(zero.values[:, 0, 0], [1, NAN, 0, 4, 5, 0, 0, 6, 7])
    with pytest.raises(DataError, match=r"3 of 9 steps of 1 .* first series `a` at 3; add them"):
        panel_of(long(HOLES), gaps="error")


def test_only_targets_are_zero_in_gaps() -> None:
    panel = panel_of(long(HOLES).assign(x=1.0), gaps="zero", past_covariates="x")
    assert panel.values[2].isnan().flatten().tolist() == [False, True]


def test_a_row_is_zero_between_its_own_first_and_last_line() -> None:
    frame = pd.DataFrame(
        {"ds": [1, 2, 3, 4, 5, 2, 4], "place": list("pppppqq"), "y": [1.0] * 5 + [2.0] * 2}
    )
    panel = panel_of(frame, row="place", gaps="zero")
    np.testing.assert_array_equal(panel.values[:, 0, 1], [NAN, 2, 0, 2, NAN])
