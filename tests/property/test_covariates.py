"""What must hold with covariates of all kinds together: exact origins, exact causality."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import masked, random_net
from tsconv.errors import ConfigError
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.effects import FutureEffect, future_effect_reference
from tsconv.model.linear_branch import LinearBranch
from tsconv.model.network import ForecastNet
from tsconv.model.windowed_reference import windowed_reference

B, H, W, HORIZON = 3, 2, 50, 5
ALL = {
    "n_past": 1,
    "past_categories": (3,),
    "future_categories": (2, 9),
    "n_future": 2,
    "calendar": ("weekday",),
    "static_categories": (4,),
    "n_static": 1,
}
PAST, AHEAD = 1, 6  # columns by step: past categories, and what is known ahead
MIXED = {"channels": "mixed", "n_targets": 2}
FORMS = [{}, MIXED, {**MIXED, "rows": "separate", "n_rows": H}, {"cross_row": "mean"}]
FORMS += [{"linear": False}, {"rows": "pooled", "n_rows": H, **MIXED}]


def net_of(form: dict, **more: object) -> ForecastNet:
    return random_net(quantiles=(0.1, 0.5, 0.9), **{**ALL, **form, **more})


def data(seed: int, missing: float = 0.2) -> tuple[torch.Tensor, torch.Tensor, CovariateBatch]:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    x = (random(B, 3, H, W) - 0.5).cumsum(-1)
    mask = (random(*x.shape) >= missing).double()
    values = 4 * random(B, PAST + AHEAD, H, W + HORIZON) - 2
    for column, size in enumerate((3, 2, 9)):  # 0 is an unknown category
        values[:, column] = torch.floor(random(B, H, W + HORIZON) * (size + 1))
    seen = (random(*values.shape) >= missing).double()
    static = torch.stack([torch.floor(random(B, H) * 5), random(B, H)], dim=1)
    static_seen = (random(B, 2, H) >= missing).double()
    covariates = CovariateBatch(values * seen, seen, static * static_seen, static_seen)
    return masked(x, mask), mask, covariates


@pytest.mark.parametrize("form", FORMS)
@given(seed=st.integers(0, 999), n_origins=st.integers(1, W), missing=st.sampled_from([0, 0.5]))
@settings(max_examples=15)
def test_dense_equals_windows_with_all_kinds(
    form: dict, seed: int, n_origins: int, missing: float
) -> None:
    net = net_of(form)
    x, mask, covariates = data(seed, missing)
    dense = net(x, mask, n_origins, covariates=covariates).values()
    windows = windowed_reference(net, x, mask, range(W - n_origins, W), covariates)
    torch.testing.assert_close(dense, windows, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
@given(
    seed=st.integers(0, 999),
    origin=st.integers(15, W - 2),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=15)
def test_what_is_not_known_yet_changes_no_bit(
    form: dict, seed: int, origin: int, dtype: torch.dtype
) -> None:
    """Past covariates after the origin, and future ones beyond its horizon."""
    net = net_of(form).to(dtype)
    x, mask, covariates = data(seed)
    x, mask, covariates = (
        x.to(dtype),
        mask.to(dtype),
        CovariateBatch(*(v.to(dtype) for v in covariates)),
    )
    before = net(x, mask, W, covariates=covariates).values()[:, :, :, : origin + 1]
    x[:, -1, :, origin + 1 :], mask[..., origin + 1 :] = 1e4, 1  # the numeric past covariate
    values, seen = covariates.values.clone(), covariates.seen.clone()
    for columns, first in ((slice(0, PAST), 1), (slice(PAST, None), HORIZON + 1)):
        part = values[:, columns, :, origin + first :]
        values[:, columns, :, origin + first :] = torch.where(part > 0, part - 1, part + 1)
        seen[:, columns, :, origin + first :] = 1
    changed = covariates._replace(values=values, seen=seen)
    after = net(x, mask, W, covariates=changed).values()[:, :, :, : origin + 1]
    assert torch.equal(before, after)


@pytest.mark.parametrize("column", range(PAST + AHEAD + 2))
def test_every_covariate_counts(column: int) -> None:
    """At the origin for a past one, at the horizon's last step for a future one."""
    net = net_of(MIXED)
    x, mask, covariates = data(0, missing=0)
    values, static = covariates.values.clone(), covariates.static.clone()
    if column >= PAST + AHEAD:
        static[:, column - PAST - AHEAD] = 1 - static[:, column - PAST - AHEAD].clamp(0, 1)
    else:
        step = W - 1 if column < PAST else W - 1 + HORIZON
        values[:, column, :, step] = 1 - values[:, column, :, step].clamp(0, 1)
    changed = covariates._replace(values=values, static=static)
    before, after = (
        net(x, mask, 1, covariates=k).values()[..., -1, :] for k in (covariates, changed)
    )
    assert (before != after).flatten(1).any(1).all()


def test_an_effect_reaches_its_own_step_alone() -> None:
    net = net_of(MIXED, future_categories=(), n_static=0, static_categories=(), calendar=())
    x, mask, covariates = data(1, missing=0)
    covariates = CovariateBatch(
        covariates.values[:, [0, 3, 4]],
        covariates.seen[:, [0, 3, 4]],
        x.new_zeros(B, 0, H),
        x.new_zeros(B, 0, H),
    )
    values = covariates.values.clone()
    values[:, 1, :, W - 1 + 3] += 1
    before, after = (
        net(x, mask, 1, covariates=k).values()
        for k in (covariates, covariates._replace(values=values))
    )
    same = (before == after).flatten(0, 3).all(0)  # (horizon, Q): the median moves too
    assert same.tolist() == [[i != 2] * 3 for i in range(HORIZON)]


def test_a_number_that_is_missing_is_not_a_mean() -> None:
    net = net_of(MIXED)
    x, mask, covariates = data(4, missing=0)
    values, seen = covariates.values.clone(), covariates.seen.clone()
    values[:, 3] = 0  # the mean of what is standardised
    seen[:, 3, :, W:] = 0
    mean = covariates._replace(values=values)
    before, after = (
        net(x, mask, 1, covariates=k).values() for k in (mean, mean._replace(seen=seen))
    )
    assert (before != after).all()


def test_the_linear_branch_sees_what_covariates_leave() -> None:
    """It is linear: with an effect it gives what it gives without, less what it makes of that."""
    branch = LinearBranch(7, HORIZON).double()
    torch.nn.init.normal_(branch.weight)
    x, g = torch.randn(2, 4, 15, dtype=torch.float64)
    mask = (torch.rand(4, 15) > 0.3).double()
    mean, inverse, of_g, inv_scale = torch.rand(4, 4, 9, dtype=torch.float64)
    both = branch(x, mask, mean, inverse, effect=(g, of_g, inv_scale))
    apart = branch(x, mask, mean, inverse) - branch(g, mask, of_g, inv_scale)
    torch.testing.assert_close(both, apart)


@pytest.mark.parametrize("form", FORMS)
def test_permuting_series_permutes_forecasts_and_batches_change_nothing(form: dict) -> None:
    net = net_of(form)
    x, mask, covariates = data(2)
    together = net(x, mask, 9, covariates=covariates).values()
    order = torch.tensor([2, 0, 1])
    moved = net(
        x[order], mask[order], 9, covariates=CovariateBatch(*(v[order] for v in covariates))
    ).values()
    torch.testing.assert_close(moved, together[order], rtol=0, atol=1e-10)
    one = net(
        x[1:2], mask[1:2], 9, covariates=CovariateBatch(*(v[1:2] for v in covariates))
    ).values()
    torch.testing.assert_close(one, together[1:2], rtol=0, atol=1e-10)


def test_forecasts_move_with_the_series() -> None:
    net = net_of(MIXED)
    x, mask, covariates = data(3)
    moved = torch.cat([1000 * (x[:, :2] + 5), x[:, 2:]], dim=1)
    plain = net(x, mask, 9, covariates=covariates).values()
    scaled = net(masked(moved, mask), mask, 9, covariates=covariates).values()
    torch.testing.assert_close(scaled, 1000 * (plain + 5), rtol=1e-8, atol=1e-4)


@pytest.mark.parametrize("missing", [0, 0.4])
@pytest.mark.parametrize(("n_targets", "states", "n_of_effect"), [(2, 1, 2), (2, 2, 1), (1, 1, 1)])
def test_the_effect_equals_its_reference(
    n_targets: int, states: int, n_of_effect: int, missing: float
) -> None:
    torch.manual_seed(0)
    effect = FutureEffect(4, 6, n_of_effect, HORIZON, 7, rank=3).double()
    for parameter in effect.parameters():
        torch.nn.init.normal_(parameter)
    z = torch.randn(H, B, 20 + HORIZON, 4, dtype=torch.float64)
    mask = (torch.rand(H, n_targets, B, 20) >= missing).double()
    mask[0, 0, 0] = 0
    state = torch.randn(H, states * B, 15, 6, dtype=torch.float64)
    found = effect(z, mask, state)
    shift, spread = future_effect_reference(effect, z, mask, state)
    torch.testing.assert_close(found.shift, shift, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.spread, spread, rtol=1e-9, atol=1e-9)


def test_an_unknown_category_is_the_mean_of_those_known() -> None:
    net = net_of({})
    assert net.covariates is not None
    column, seen = net.covariates.encoder.past, torch.ones(1, 1)
    each = torch.stack([column(torch.full((1, 1), float(c)), seen) for c in (1, 2, 3)])
    unknown = column(torch.zeros(1, 1), seen)
    torch.testing.assert_close(unknown, each.mean(0))
    torch.testing.assert_close(column(torch.full((1, 1), 2.0), 0 * seen), unknown)


def test_wrong_shapes_are_named() -> None:
    net = net_of({})
    x, mask, covariates = data(0)
    for wrong in (None, covariates._replace(values=covariates.values[..., :-1])):
        with pytest.raises(ConfigError, match=r"`covariates` has shapes .* expected"):
            net(x, mask, 1, covariates=wrong)
    with pytest.raises(ConfigError, match="`n_static`"):
        ForecastNet(dataclasses.replace(net.spec, n_static=-1))
