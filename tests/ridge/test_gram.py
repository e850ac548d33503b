"""Gram matrices and their solutions against plain loops and numpy's least squares."""

import dataclasses
import itertools

import pytest
import torch

from tests.helpers.windows import holed_panel, lstsq, penalty_of, windows_by_loop
from tsconv.data.batches.split import split_panel
from tsconv.evaluation.scoring import training_scale
from tsconv.ridge import gram as gram_module
from tsconv.ridge.choose import RidgeChoice, validation_loss
from tsconv.ridge.gram import Grouping, Regression, spread_stride
from tsconv.ridge.start import solution_of

SIZE, HORIZON = 6, 3


def problem(rows, targets, scale, grouping, missing=0.1):  # type: ignore[no-untyped-def]
    panel = holed_panel(rows=rows, targets=targets, missing=missing)
    split = split_panel(panel, HORIZON, 8, 0)
    std = training_scale(panel, split.train_end, 1).std
    inv_scale = 1 / std if scale == "series" else None
    return panel, split, inv_scale, Regression(panel, SIZE, HORIZON, inv_scale, grouping)


def member_of(place: tuple[int, int, int], members: str) -> int:
    return {"none": 0, "series": place[0], "rows": place[2]}[members]


@pytest.mark.parametrize("scale", ["series", "origin"])
@pytest.mark.parametrize(
    ("rows", "targets", "members", "apart"),
    [
        (1, 1, "none", False),
        (1, 2, "series", True),
        (1, 2, "series", False),
        (3, 2, "rows", True),
        (3, 2, "rows", False),
        (3, 2, "none", True),
    ],
)
def test_maps_equal_least_squares(
    rows: int, targets: int, members: str, apart: bool, scale: str
) -> None:
    """Holes in the context and in the targets, maps that are shared and maps of their own."""
    grouping = Grouping(members, apart)
    panel, split, inv_scale, regression = problem(rows, targets, scale, grouping)
    own = 0.5 if members != "none" else None
    found = solution_of(regression.gram(split.train), RidgeChoice(0.1, own, None, None))
    windows = windows_by_loop(panel, split.train, SIZE, HORIZON, inv_scale)
    n_members, n_targets = grouping.shape(panel)
    for c in range(n_targets):
        of_target = [w for w in windows if not apart or w.place[1] == c]
        shared = lstsq(of_target, penalty_of(of_target, 0.1))
        assert torch.allclose(found.shared[0, c], shared, rtol=0, atol=1e-8)
        if found.own is None:
            continue
        for m in range(n_members):
            some = [w for w in of_target if member_of(w.place, members) == m]
            wanted = lstsq(some, penalty_of(some, 0.5), shared)
            assert torch.allclose(found.own[m, c], wanted, rtol=0, atol=1e-8)
            assert not torch.allclose(found.own[m, c], shared, atol=1e-4)


@pytest.mark.parametrize("scale", ["series", "origin"])
def test_validation_loss_equals_a_loop_where_nothing_is_missing(scale: str) -> None:
    grouping = Grouping("rows", True)
    panel, split, inv_scale, regression = problem(2, 2, scale, grouping, missing=0)
    assert split.val is not None
    val = regression.gram(split.val)
    maps = torch.randn(2, 2, SIZE, HORIZON, generator=torch.Generator().manual_seed(0)).double()
    wanted = torch.zeros(2, 2).double()
    for w in windows_by_loop(panel, split.val, SIZE, HORIZON, inv_scale):
        _, c, h = w.place
        wanted[h, c] += (w.r - w.u @ maps[h, c]).square().sum()
    assert torch.allclose(validation_loss(maps, val), wanted, rtol=1e-9)


@pytest.mark.parametrize("stride", [1, 5])
def test_blocks_and_strides_give_the_sums_of_one_pass(
    monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    grouping = Grouping("series", True)
    panel, split, inv_scale, regression = problem(1, 2, "series", grouping)
    whole = regression.gram(split.train, stride)
    monkeypatch.setattr(gram_module, "_VALUES_AT_ONCE", 60)
    parts = regression.gram(split.train, stride)
    for name in ("uu", "ur", "rr", "count", "origins"):
        assert torch.allclose(getattr(whole, name), getattr(parts, name), rtol=1e-12), name
    taken = [(w.place, w) for w in windows_by_loop(panel, split.train, SIZE, HORIZON, inv_scale)]
    if stride == 1:
        for s, c in itertools.product(range(2), range(2)):
            wanted = sum(torch.outer(w.u, w.u) for at, w in taken if at[:2] == (s, c))
            assert torch.allclose(whole.uu[s, c], wanted, rtol=1e-9)
    else:
        assert 0 < float(whole.origins.sum()) < len(taken) / 3


def test_gaps_that_are_too_many_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The maps are then those of targets filled by their share, and finite."""
    _, split, _, regression = problem(1, 1, "series", Grouping())
    exact = regression.gram(split.train)
    assert exact.gaps
    monkeypatch.setattr(gram_module, "MOST_GAP_VALUES", 10)
    rough = regression.gram(split.train)
    assert rough.gaps == ()
    choice = RidgeChoice(0.1, None, None, None)
    one, other = solution_of(exact, choice).shared, solution_of(rough, choice).shared
    assert 1e-6 < float((one - other).abs().max()) < 0.5


def test_strides_are_no_multiple_of_a_season() -> None:
    found = [spread_stride(n) for n in (0, 1, 2, 12, 24, 167.5)]
    assert found[:2] == [1, 1]
    assert all(s % 2 and s % 3 and s % 7 for s in found[2:])
    assert all(s >= n for s, n in zip(found, (0, 1, 2, 12, 24, 167.5), strict=True))


def test_many_steps_are_gone_over_in_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    _, split, _, regression = problem(1, 1, "series", Grouping())
    whole = regression.gram(split.train)
    monkeypatch.setattr(gram_module, "_MOST_IN_CHUNK", 8)
    monkeypatch.setattr(gram_module, "_MOST_STEPS", int(split.train.spans.sum()) // 3)
    assert abs(regression.share(split.train) - 1 / 3) < 0.05
    some = regression.gram(split.train)
    assert 0.2 < float(some.origins.sum() / whole.origins.sum()) < 0.5
    assert (some.uu.diagonal(0, -2, -1) < whole.uu.diagonal(0, -2, -1)).all()
    assert torch.equal(some.uu, regression.gram(split.train).uu)  # the sample is fixed
    each = dataclasses.replace(regression, grouping=Grouping("series"))
    assert each.share(split.train) == 1  # every series is solved for
