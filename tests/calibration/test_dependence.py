"""Templates of past forecasts: what is picked, stored, filled in, and whose a series takes."""

import math

import pytest
import torch
from torch import Tensor

from tests.helpers.sums import dependence_of, normal_scores
from tsconv.calibration.dependence import Dependence, DependenceCollector, places_of


def classes(scores: Tensor) -> Tensor:
    """The reference of `Dependence.pit`: 1 to 255, 0 for NaN."""
    found = [
        0 if math.isnan(z) else 1 + min(254, int(255 * 0.5 * (1 + math.erf(z / math.sqrt(2)))))
        for z in scores.flatten().tolist()
    ]
    return torch.tensor(found, dtype=torch.uint8).view(scores.shape)


@pytest.mark.parametrize("stride", [1, 3])
def test_the_templates_are_picked_out_of_dense_batches(stride: int) -> None:
    scores = torch.randn(2, 1, 2, 12, 4, dtype=torch.float64)  # series, ., rows, origins, steps
    origins = torch.tensor([[10, 16, -1], [13, 31, 40]])  # of origins 10, 10 + stride, ...
    collector = DependenceCollector(origins, 1, 2, 4)
    for part in (slice(0, 5), slice(5, 12)):  # the stretches of a series follow one another
        first = torch.full((2,), 10 + stride * (part.start))
        collector.add(torch.tensor([0, 1]), first, stride, scores[:, :, :, part])
    found = collector.tensors()[0]
    for s, row in enumerate(origins.tolist()):
        for n, origin in enumerate(row):
            at, rest = divmod(origin - 10, stride)
            there = origin >= 0 and rest == 0 and at < 12
            wanted = classes(scores[s, :, :, at]) if there else torch.zeros(1, 2, 4)
            assert torch.equal(found[n, s], wanted.to(torch.uint8)), (s, n)


def test_parts_of_several_ranks_add_up() -> None:
    scores = normal_scores(6, 2, 3, 0.5, 0.5)
    whole = dependence_of(scores)
    origins = torch.arange(6).expand(2, 6)
    parts = [DependenceCollector(origins, 1, 1, 3) for _ in range(2)]
    for s, part in enumerate(parts):
        part.add(
            torch.tensor([s]), torch.tensor([0]), 1, scores[:, s : s + 1].permute(1, 2, 3, 0, 4)
        )
    parts[0].tensors()[0].add_(parts[1].tensors()[0])
    found = parts[0].finish()
    assert found is not None
    assert torch.equal(found.pit, whole.pit)


def test_missing_steps_have_the_place_of_the_nearest() -> None:
    scores = torch.tensor([math.nan, 1.0, math.nan, math.nan, -1.0]).view(1, 1, 1, 1, 5)
    found = dependence_of(scores).pit.flatten()
    assert torch.equal(found, classes(torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0])))


def test_missing_forecasts_have_those_of_another_series_at_the_same_time() -> None:
    scores = normal_scores(30, 4, 3, 0.5, 0.0)
    scores[5, 2] = math.nan
    scores[7, 1:] = math.nan
    found = dependence_of(scores).pit
    given = classes(scores)
    assert any(torch.equal(found[5, 2], given[5, k]) for k in (0, 1, 3))
    assert all(torch.equal(found[7, k], given[7, 0]) for k in (1, 2, 3))
    kept = given > 0
    assert torch.equal(found[kept], given[kept])
    assert torch.equal(found, dependence_of(scores).pit)


def test_a_row_that_began_late_has_forecasts_of_other_times_and_one_never_seen_has_any() -> None:
    scores = torch.randn(20, 3, 1, 3, 4, dtype=torch.float64)
    scores[:10, :, :, 1] = math.nan
    scores[:, :, :, 2] = math.nan
    found, given = dependence_of(scores).pit, classes(scores)
    late = {tuple(v.tolist()) for v in given[10:, :, 0, 1].flatten(0, 1)}
    assert all(tuple(v.tolist()) in late for v in found[:10, :, 0, 1].flatten(0, 1))
    assert int(found.min()) >= 1
    assert len({tuple(v.tolist()) for v in found[:, :, 0, 2].flatten(0, 1)}) == 60


def test_what_was_never_observed_has_no_dependence() -> None:
    assert DependenceCollector(torch.empty(3, 0, dtype=torch.int64), 1, 1, 4).finish() is None
    empty = DependenceCollector(torch.tensor([[4, 5]]), 1, 1, 2)
    empty.add(torch.tensor([0]), torch.tensor([4]), 1, torch.full((1, 1, 1, 2, 2), math.nan))
    assert empty.finish() is None


def test_series_without_templates_are_left_out_and_take_those_of_others() -> None:
    scores = normal_scores(10, 3, 2, 0.5, 0.0)
    scores[:, 1] = math.nan
    found = dependence_of(scores)
    assert found.series.tolist() == [0, 2]
    assert found.pit.shape[:2] == (10, 2)
    trained = ("a", "b", "c")
    places = found.places(["c", "a", "b", "new"], trained)
    assert places[:2].tolist() == [1, 0]
    assert places[2:].tolist() == found.places(["b", "new"], trained).tolist()


def test_a_large_panel_keeps_some_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsconv.calibration.dependence._BYTES", 20 * 3 * 4)
    collector = DependenceCollector(torch.zeros(10, 4, dtype=torch.int64), 1, 1, 3)
    assert collector.tensors()[0].numel() <= 240
    collector.add(torch.arange(10), torch.zeros(10).long(), 1, torch.zeros(10, 1, 1, 1, 3))
    found = collector.finish()
    assert found is not None
    assert len(found.series) == 10
    monkeypatch.setattr("tsconv.calibration.dependence._BYTES", 5 * 3 * 4)
    assert DependenceCollector(torch.zeros(10, 4).long(), 1, 1, 3)._series.tolist() == [
        0,
        2,
        4,
        6,
        9,
    ]


def test_it_is_stored_and_read_again() -> None:
    one = dependence_of(normal_scores(9, 2, 3, 0.5, 0.5))
    again = Dependence.from_state(one.state())
    assert torch.equal(again.pit, one.pit)
    assert torch.equal(again.series, one.series)
    assert again.span == one.span == 8
    assert again.donor_share == one.donor_share


@pytest.mark.parametrize("fault", ["lacking", "type", "zero", "series"])
def test_a_damaged_one_is_refused(fault: str) -> None:
    state = dependence_of(normal_scores(9, 2, 3, 0.5, 0.5)).state()
    if fault == "lacking":
        del state["span"]
    elif fault == "type":
        state["pit"] = state["pit"].float()
    elif fault == "zero":
        state["pit"] = state["pit"] * 0
    else:
        state["series"] = torch.arange(3)
    with pytest.raises(ValueError, match="dependence"):
        Dependence.from_state(state)


def test_more_horizons_of_templates_leave_less_to_other_series() -> None:
    shares = [
        Dependence(torch.ones(5, 2, 1, 1, 10, dtype=torch.uint8), torch.arange(2), span).donor_share
        for span in (0, 10, 990)
    ]
    assert shares == [pytest.approx(2 / 3), pytest.approx(1 / 2), pytest.approx(2 / 102)]
    alone = Dependence(torch.ones(5, 1, 1, 1, 10, dtype=torch.uint8), torch.arange(1), 0)
    assert alone.donor_share == 0


def test_unknown_names_are_spread() -> None:
    found = places_of([f"new {i}" for i in range(2000)], [f"s{i}" for i in range(10)])
    assert int(torch.bincount(found, minlength=10).min()) > 150
