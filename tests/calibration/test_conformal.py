"""Calibration: what is fitted, how much it is trusted, and which kind is taken."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsconv.calibration.calibrator import Calibrator, OriginWidths
from tsconv.calibration.choose import choose_kind, compare_kinds
from tsconv.calibration.conformal import Calibration, fit_calibration
from tsconv.calibration.effective_number import effective_number
from tsconv.calibration.error_scores import ErrorScores, spread_out
from tsconv.calibration.knots import scores_of
from tsconv.calibration.score_maps import LEVELS, ScoreMaps, fit_maps
from tsconv.errors import ConfigError

DECILES = tuple(q / 10 for q in range(1, 10))
PLAIN = scores_of(LEVELS)


def errors_of(scores: torch.Tensor, members: int = 1) -> ErrorScores:
    """(members * W, h) scores as those of members at the origins 0, 1, ..."""
    width = len(scores) // members
    member = torch.arange(members).repeat_interleave(width)
    return ErrorScores(scores.float(), member, torch.arange(width).repeat(members), (members, 1, 1))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_scores_that_are_too_wide_are_brought_to_what_levels_say() -> None:
    """Forecasts of half the spread that is right: levels at 2 z cover what z should."""
    errors = errors_of(2 * noise(6000, 3))
    maps = fit_maps(errors, effective_number(errors))
    at = maps.scores((0.1, 0.5, 0.9), torch.tensor([-1]))[0]  # (horizon, 3)
    covered = (errors.scores <= at[:, 2]).double().mean(0)
    assert (covered - 0.9).abs().max() < 0.01
    assert (at[:, 1] == 0).all()


def test_each_step_has_its_own_map() -> None:
    spread = torch.tensor([0.5, 1.0, 2.0])
    errors = errors_of(spread * noise(8000, 3))
    at = fit_maps(errors, effective_number(errors)).scores((0.5, 0.9), torch.tensor([-1]))[0, :, 1]
    torch.testing.assert_close(at, 1.2816 * spread.double(), rtol=0.05, atol=0.02)


def test_a_member_is_trusted_by_its_number_of_errors() -> None:
    """Of two members with the same errors, the one with more of them moves further."""
    many, few = 3 * noise(4000, 1), 3 * noise(40, 1, seed=1)
    calm = noise(40_000, 1, seed=2)
    scores = torch.cat([many, few, calm])
    member = torch.tensor([0] * 4000 + [1] * 40 + [2] * 40_000)
    origin = torch.cat([torch.arange(4000), torch.arange(40), torch.arange(40_000)])
    errors = ErrorScores(scores, member, origin, (3, 1, 1))
    maps = fit_maps(errors, effective_number(errors))
    at = maps.scores((0.5, 0.9), torch.arange(3))[:, 0, 1]
    assert at[0] > 3.4
    assert 1.3 < at[1] < at[0]
    assert at[2] < 1.4


def test_overlapping_horizons_lower_the_effective_number() -> None:
    """Sums of the next h shocks from neighbouring origins share all but one of them."""
    shocks = noise(1, 4020)
    apart = errors_of(noise(4000, 20))
    sums = shocks.unfold(1, 20, 1)[0, :4000].sum(-1, keepdim=True) / math.sqrt(20)
    overlapping = errors_of(sums.expand(-1, 20))  # as far ahead at each step as at the last
    assert effective_number(apart).of_all > 3000
    # The squares of correlations 1 - lag / 20 add up to a third of 2 * 20.
    assert 150 < effective_number(overlapping).of_all < 500


def test_series_of_one_time_that_err_together_count_as_one() -> None:
    common = noise(2000, 1).repeat(10, 1)
    together, apart = errors_of(common, 10), errors_of(noise(20_000, 1), 10)
    assert effective_number(together).of_all < 3000 < 12_000 < effective_number(apart).of_all
    assert effective_number(together).of_member[0] > 1500


@pytest.mark.parametrize(("spread", "taken"), [(1.0, {"none", "split"}), (2.0, {"split"})])
def test_auto_takes_what_covers(spread: float, taken: set[str]) -> None:
    found = compare_kinds(errors_of(spread * noise(4000, 2)))
    assert choose_kind(found) in taken
    assert set(found) == {"none", "split", "adaptive"}


def test_auto_adapts_to_a_spread_that_moves() -> None:
    """The spread grows all along: what the earlier half knows is too narrow for the later one."""
    spread = torch.linspace(0, math.log(6), 3000).exp().unsqueeze(-1)
    found = compare_kinds(errors_of(spread * noise(3000, 2)))
    assert choose_kind(found) == "adaptive"
    assert abs(found["adaptive"].coverage_80 - 0.8) < abs(found["split"].coverage_80 - 0.8) - 0.05


def test_series_with_a_single_origin_judge_each_other() -> None:
    scores = 2 * noise(300, 2)
    errors = ErrorScores(scores, torch.arange(300), torch.full((300,), 7), (300, 1, 1))
    found = compare_kinds(errors)
    assert set(found) == {"none", "split"}
    assert choose_kind(found) == "split"


def test_too_few_errors() -> None:
    few = errors_of(noise(5, 2))
    assert fit_calibration(few, "auto", ("a",), ("y",), ()) is None
    with pytest.raises(ConfigError, match=r"`conformal` \(=split\) needs at least 20 .*val_size"):
        fit_calibration(few, "split", ("a",), ("y",), ())


def test_state_and_names() -> None:
    errors = errors_of(2 * noise(400, 3), members=4)
    found = fit_calibration(errors, "split", ("a", "b"), ("x", "y"), ())
    assert found is not None
    again = Calibration.from_state(*found.state())
    assert again.members(("b", "new"), ("x", "y"), ()).flatten().tolist() == [2, 3, -1, -1]
    torch.testing.assert_close(again.maps.of_member, found.maps.of_member, rtol=1e-6, atol=1e-6)
    values, tensors = found.state()
    with pytest.raises(ConfigError, match="do not go with"):
        Calibration.from_state({**values, "series": ["a"]}, tensors)


def test_counts_are_spread_out_by_what_they_are_not_by_the_batch() -> None:
    member, origin = torch.tensor([3, 4, 5]), torch.tensor([70, 71, 72])
    whole = spread_out(member, origin, 5)
    assert torch.equal(whole[1:], spread_out(member[1:], origin[1:], 5))
    many = spread_out(torch.arange(300), torch.arange(300), 50)
    assert abs(float(many.mean())) < 0.01
    assert abs(float(many.std()) - 0.2887) < 0.01


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([(0.5,), (0.01, 0.1, 0.5, 0.9, 0.99), DECILES]))
def test_levels_never_cross(seed: int, quantiles: tuple[float, ...]) -> None:
    """For any forecasts, fitted maps, levels that are wanted, and widths."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.rand(9, 2, 1, 2, 3, 4, generator=generator)
    steps[torch.rand(steps.shape, generator=generator) < 0.2] = 0
    levels = list(steps.cumsum(0).unbind(0))  # (B, T, H, O, h) each
    spread = 0.2 + 4 * torch.rand(4, generator=generator)
    errors = ErrorScores(
        spread * torch.randn(80, 4, generator=generator) + torch.rand(1, generator=generator),
        torch.arange(4).repeat(20),
        torch.arange(80) // 4,
        (2, 1, 2),
    )
    maps = fit_maps(errors, effective_number(errors))
    scores = maps.scores(quantiles, torch.arange(4).view(2, 1, 2))
    widths = OriginWidths(torch.randn(40, 1, 2, 2, generator=generator), torch.tensor([0, 20, 40]))
    calibrator = Calibrator(DECILES, quantiles, scores, widths)
    out, point, _ = calibrator(levels, torch.tensor([0, 1]), torch.tensor([3, 5]))
    for low, high in itertools.pairwise(out):
        assert (low <= high).all()
    assert torch.equal(point, levels[4])  # the median stays as it is, bit for bit


def test_calibration_is_of_each_series_and_step_whatever_the_batch() -> None:
    errors = errors_of(torch.cat([noise(500, 4), 3 * noise(500, 4)]), members=2)
    maps = fit_maps(errors, effective_number(errors))
    calibrator = Calibrator(DECILES, DECILES, maps.scores(DECILES, torch.arange(2).view(2, 1, 1)))
    levels = list(noise(9, 2, 1, 1, 6, 4).sort(0).values.unbind(0))
    zero = torch.tensor([0, 0])
    both = calibrator(levels, torch.tensor([0, 1]), zero).levels
    for series in (0, 1):
        alone = calibrator([v[series:][:1] for v in levels], torch.tensor([series]), zero[:1])
        for one, two in zip(both, alone.levels, strict=True):
            assert torch.equal(one[series], two[0])


def test_the_mean_and_other_levels_without_calibration() -> None:
    levels = [5 + 2 * z * torch.ones(1, 1, 1, 1, 1) for z in scores_of(DECILES).tolist()]
    calibrator = Calibrator(DECILES, (0.025, 0.5, 0.975), point="mean")
    out, point, _ = calibrator(levels, torch.tensor([0]), torch.tensor([0]))
    assert [round(float(v), 3) for v in out] == [1.08, 5.0, 8.92]
    assert abs(float(point) - 5) < 1e-5


def test_plain_maps_change_nothing() -> None:
    maps = ScoreMaps(PLAIN.expand(3, -1), PLAIN.expand(1, -1))
    at = maps.scores(DECILES, torch.tensor([0, -1]))
    torch.testing.assert_close(at, scores_of(DECILES).expand(2, 3, -1), rtol=1e-9, atol=1e-9)


def test_auto_adapts_only_where_it_may() -> None:
    spread = torch.linspace(0, math.log(6), 3000).exp().unsqueeze(-1)
    errors = errors_of(spread * noise(3000, 2))
    for adapts in (True, False):
        found = fit_calibration(errors, "auto", ("a",), ("y",), (), adapts)
        assert found is not None
        assert (found.kind == "adaptive") == adapts
