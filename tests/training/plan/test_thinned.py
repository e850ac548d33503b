"""A share of the work: fewer origins, none that the whole lacks, and what the whole takes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.data.batches.origin_range import OriginRange
from tsconv.training.plan import thinned as module
from tsconv.training.plan.thinned import seconds_of_all, thinned

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any)


def part_of(lengths: list[int]) -> OriginRange:
    first = torch.arange(len(lengths))
    spans = torch.tensor(lengths)
    return OriginRange(first, first + spans - 1, first + spans + 5)


@given(LENGTHS, st.floats(0.001, 1.0))
def test_a_share_has_some_origins_and_none_that_the_whole_lacks(
    lengths: list[int], share: float
) -> None:
    whole = part_of(lengths)
    some = thinned(whole, share)
    assert torch.equal(some.first, whole.first)
    assert bool((some.last <= whole.last).all())
    assert 0 < int(some.counts.sum()) <= int(whole.counts.sum())
    assert int((some.counts > 0).sum()) <= max(1, round(share * len(lengths)))


@given(LENGTHS)
def test_the_whole_is_left_alone(lengths: list[int]) -> None:
    whole = part_of(lengths)
    assert thinned(whole, 1.0) is whole


@pytest.mark.parametrize(
    ("each", "fixed", "warming"), [(100.0, 0.0, 0.0), (40.0, 0.5, 2.0), (0.2, 0.1, 0.0)]
)
def test_what_the_whole_takes_is_told_from_shares(
    monkeypatch: pytest.MonkeyPatch, each: float, fixed: float, warming: float
) -> None:
    """Work of fixed seconds, and of so many for the whole; the first run takes longer."""
    now, shares = [0.0], list[float]()

    def run(share: float) -> None:
        now[0] += fixed + each * share + (0 if shares else warming)
        shares.append(share)

    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    found = seconds_of_all(run, first=1 / 128, enough=0.6)
    assert found == pytest.approx(fixed + each + warming)
    assert now[0] < 0.5 * each + 7 * fixed + warming + 3
    assert all(share <= 1 for share in shares)


def test_a_whole_that_is_small_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = list[float]()
    seconds_of_all(runs.append, first=1.0, enough=0.6)
    assert runs == [1.0]
