"""Future covariates of the steps to forecast: which are required, and what is named."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.helpers.future import AHEAD, DAYS, ENCODINGS, PAST, merged
from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import Encoding
from tsconv.data.covariates.future import require_future
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import DataError
from tsconv.notes import NoteKind


@pytest.mark.parametrize(
    ("ahead", "message"),
    [
        (AHEAD[:3], r"event, promo of series `b` at 2024-01-06 to 2024-01-07 \(2 of 2 steps\)"),
        (AHEAD.drop(index=1), r"`a` at 2024-01-05 \(1 of 2 steps\)"),
        (
            AHEAD.assign(promo=[1, 0, None, 0, None]),
            r"promo of series `a` and 1 more at 2024-01-06",
        ),
    ],
)
def test_missing_dates_are_named(ahead: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        require_future(merged(ahead), ENCODINGS, 2, 9)


def test_a_category_that_was_never_empty_is_missing_where_it_is() -> None:
    empty = merged(AHEAD.assign(event=""))
    _, notes = require_future(empty, ENCODINGS, 2, 9)
    assert [str(n) for n in notes] == ["`event` is empty in all steps to forecast"]
    assert notes[0].kind is NoteKind.EMPTY_OVER_HORIZON
    never = [Encoding("event", "future", categories=("fair", "gala")), ENCODINGS[1]]
    with pytest.raises(DataError, match="missing: event of series `a` and 1 more"):
        require_future(empty, never, 2, 9)


def test_a_series_that_ended_before_the_others_is_left_out() -> None:
    """Nobody plans promotions for what is no longer sold."""
    origins, notes = require_future(merged(AHEAD[3:]), ENCODINGS, 2, 9)
    assert origins.tolist() == [-1, 2]
    assert any("series `a` ends before the others" in str(note) for note in notes)


def test_what_cannot_be_forecast_needs_no_future() -> None:
    """Neither a series without a target, nor one with none in its context."""
    past = PAST.drop(columns="event").assign(y=[None] * 4 + [5.0, 6, 7])
    ahead = AHEAD[3:].drop(columns="event")
    panel = merged(ahead, past, categories=None, future_covariates="promo")
    origins, _ = require_future(panel, ENCODINGS[1:], 2, 9)
    assert origins[1] == 2


def test_a_row_that_never_had_a_covariate_does_without() -> None:
    frame = pd.DataFrame(
        {
            "ds": [*DAYS[:5], *DAYS[:5]],
            "at": list("nnnnnsssss"),
            "y": [1.0, 2, 3, None, None] * 2,
            "promo": [0, 1, 0, 1, 0] + [None] * 5,
        }
    )
    roles = DataConfig(row="at", future_covariates="promo")
    panel = build_panel(table_from_frame(frame, roles))
    _, notes = require_future(panel, ENCODINGS[1:], 2, 9)
    assert any("row `s` never had a value of `promo` (1 such case)" in str(note) for note in notes)
    frame.loc[5, "promo"] = 1
    with pytest.raises(DataError, match="promo of series `series`, row `s` at 2024-01-04"):
        require_future(build_panel(table_from_frame(frame, roles)), ENCODINGS[1:], 2, 9)


def test_a_row_that_ended_before_the_context_needs_no_future() -> None:
    frame = pd.DataFrame(
        {
            "ds": [*DAYS[:7], *DAYS[:6]],
            "at": list("nnnnnnn") + list("ssssss"),
            "y": [1.0, 2, 3, 4, 5, 6, None, 7, 8, None, None, None, None],
            "promo": [0.0] * 7 + [1.0] * 6,
        }
    )
    panel = build_panel(table_from_frame(frame, DataConfig(row="at", future_covariates="promo")))
    require_future(panel, ENCODINGS[1:], 1, 4)
    with pytest.raises(DataError, match="promo of series `series`, row `s` at 2024-01-07"):
        require_future(panel, ENCODINGS[1:], 1, 5)
