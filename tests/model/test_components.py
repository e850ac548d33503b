"""Components of the median: they add up for every kind of network, and each is what it says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.helpers.networks import masked, random_net
from tsconv.errors import ConfigError
from tsconv.model import covariate_branch
from tsconv.model.components import context_stretches, median_components
from tsconv.model.covariate_encoder import CovariateBatch, CovariateEncoder
from tsconv.model.ensemble import EnsembleNet, Network

LEVELS = (0.1, 0.5, 0.8)
KNOWN: dict[str, Any] = {
    "past_categories": (3,),
    "future_categories": (4,),
    "n_future": 1,
    "calendar": ("hour", "weekday"),
    "static_categories": (2,),
    "n_static": 1,
}
MIXED: dict[str, Any] = {"channels": "mixed", "n_targets": 2}
KINDS: dict[str, dict[str, Any]] = {
    "point": {},
    "quantiles": {"quantiles": LEVELS},
    "without a stack": {"stack": False, "quantiles": LEVELS},
    "without a stack, known": {"stack": False, **KNOWN},
    "without the branch": {"linear": False},
    "rows": {"rows": "separate", "n_rows": 3, **KNOWN},
    "pooled rows": {"rows": "pooled", "n_rows": 3, "quantiles": LEVELS},
    "rows that mix": {"cross_row": "mean", **KNOWN},
    "rows that mix densely": {"cross_row": "dense", "n_rows": 3},
    "channels": {**MIXED, "n_past": 1, "quantiles": LEVELS},
    "channels, known": {**MIXED, "quantiles": LEVELS, **KNOWN},
    "past-only": {"n_past": 1, **KNOWN},
    "known": {"quantiles": LEVELS, **KNOWN},
    "calendar": {"calendar": ("month",)},
    "only a past category": {"past_categories": (3,)},
    "only static": {"n_static": 2},
    "no lags": {"seasonal_lags": (), "n_future": 2},
    "maps by row": {"maps": "separate", "n_rows": 3, "n_targets": 2, **KNOWN},
    "series": {"series": "separate", "n_series": 6, **KNOWN},
    "pooled series": {"series": "pooled", "n_series": 6, "quantiles": LEVELS},
    "maps by series": {"maps": "pooled", "n_series": 6, "n_targets": 2, **KNOWN},
    "mixed maps by series": {**MIXED, "maps": "separate", "n_series": 6, "quantiles": LEVELS},
}
BATCH, ORIGINS = 4, 9


def data_for(net: Network, n_rows: int) -> tuple[Tensor, Tensor, Tensor | None, Any]:
    """x and mask with missing values, a constant and an empty context; numbers; covariates."""
    torch.manual_seed(3)
    spec, width = net.spec, net.history + ORIGINS
    n_channels = (spec.n_targets or 2) + spec.n_past
    x = 3 + torch.randn(BATCH, n_channels, n_rows, width, dtype=torch.float64)
    mask = (torch.rand_like(x) > 0.2).double()
    x[0, 0, 0] = 2.5
    mask[1, 0, 0] = 0
    mask[3, ..., : width // 2] = 0
    members = torch.tensor([4, 0, 5, 1]) if spec.by_series else None
    by_step, fixed = spec.n_covariates, spec.n_static_covariates
    if by_step + fixed == 0:
        return masked(x, mask), mask, members, None
    values = torch.randn(BATCH, by_step, n_rows, width + spec.horizon, dtype=torch.float64)
    for column, size in enumerate(spec.past_categories + spec.future_categories):
        values[:, column] = torch.randint(size + 1, values[:, column].shape)
    seen = (torch.rand_like(values) > 0.1).double()
    seen[:, by_step - 2 * len(spec.calendar) :] = 1
    static = torch.ones(BATCH, fixed, n_rows, dtype=torch.float64)
    return masked(x, mask), mask, members, CovariateBatch(values, seen, static, static)


def median(net: Network, *inputs: Any) -> Tensor:
    x, mask, members, covariates = inputs
    out = net(x, mask, ORIGINS, members, covariates)
    return out.values()[..., net.quantiles.index(0.5)]


def rows_of(kind: str) -> int:
    keys = KINDS[kind]
    return 1 if "n_series" in keys else 3


@pytest.mark.parametrize("season", [None, 5, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_components_add_up_to_the_median(kind: str, season: int | None) -> None:
    net = random_net(**KINDS[kind])
    x, mask, members, covariates = data_for(net, rows_of(kind))
    parts = median_components(net, x, mask, ORIGINS, members, covariates, season)
    wanted = median(net, x, mask, members, covariates)
    assert all(part.shape == wanted.shape for part in parts.values())
    torch.testing.assert_close(sum(parts.values()), wanted, rtol=0, atol=1e-10)
    assert (wanted[2:] - parts["level"][2:]).abs().max() > 0.1  # there is something to explain


@pytest.mark.parametrize("kinds", [("known", "known"), ("pooled series", "quantiles")])
def test_components_of_an_ensemble_add_up(kinds: tuple[str, str]) -> None:
    first, second = (KINDS[kind] for kind in kinds)
    if kinds[0] == "known":  # networks that differ in the calendar
        second = {**second, "calendar": ("weekday", "month")}
    members = [
        random_net(**first),
        random_net(**second, context_length=7, levels=2),
        random_net(**second, context_length=17, stack=False),
    ]
    net = EnsembleNet(members, weights=(1.0, 3.0, 0.5))
    inputs = data_for(net, 1)
    x, mask, numbers, covariates = inputs
    parts = median_components(net, x, mask, ORIGINS, numbers, covariates, season=7)
    wanted = median(net, *inputs)
    torch.testing.assert_close(sum(parts.values()), wanted, rtol=0, atol=1e-10)
    assert [*parts][:4] == ["level", "last-season", "2-seasons-back", "rest-of-context"]
    if kinds[0] == "known":
        assert [key for key in parts if "calendar" in key][:3] == [
            "calendar-hour",
            "calendar-weekday",
            "calendar-month",
        ]


def test_an_ensemble_of_one_has_the_components_of_its_network() -> None:
    net = random_net(**KINDS["known"])
    x, mask, _, covariates = data_for(net, 2)
    alone = median_components(net, x, mask, ORIGINS, None, covariates, 5)
    among = median_components(EnsembleNet([net]), x, mask, ORIGINS, None, covariates, 5)
    assert [*alone] == [*among]
    for key, part in alone.items():
        torch.testing.assert_close(among[key], part, rtol=0, atol=1e-12)


def test_without_rows_the_axis_is_left_out() -> None:
    net = random_net(**KINDS["known"])
    x, mask, _, covariates = data_for(net, 1)
    deep = median_components(net, x, mask, ORIGINS, None, covariates, 7)
    flat = median_components(net, x[:, :, 0], mask[:, :, 0], ORIGINS, None, covariates, 7)
    for key, part in flat.items():
        assert torch.equal(part, deep[key].squeeze(2))


def test_a_stretch_is_the_branch_with_all_else_at_the_mean() -> None:
    """The last season's part is what is lost where the branch's weights on it are 0."""
    net = random_net()
    x, mask, _, _ = data_for(net, 1)
    before = median(net, x, mask, None, None)
    part = median_components(net, x, mask, ORIGINS, season=5)["last-season"]
    assert net.linear is not None
    with torch.no_grad():
        net.linear.get_parameter("weight")[:, -5:] = 0
    torch.testing.assert_close(before - part, median(net, x, mask, None, None))


def test_stretches_of_a_context() -> None:
    assert [*context_stretches(6, 7)] == ["rest-of-context"]
    assert [*context_stretches(7, 7)] == ["last-season"]
    assert [*context_stretches(200, 10)][-2:] == ["7-seasons-back", "rest-of-context"]
    covered = [i for steps in context_stretches(31, 4).values() for i in range(31)[steps]]
    assert sorted(covered) == [*range(31)]


def test_a_covariate_that_is_alone_has_the_whole_effect() -> None:
    """All other columns at one value throughout: the one that moves explains all that moves."""
    net = random_net(quantiles=LEVELS, n_future=3)
    x, mask, _, covariates = data_for(net, 1)
    assert covariates is not None
    values = covariates.values.clone()
    values[:, [0, 2]] = 0
    covariates = covariates._replace(values=values, seen=torch.ones_like(values))
    found = median_components(net, x, mask, ORIGINS, None, covariates, None, ("a", "b", "c"))
    for name in ("a", "c"):
        assert found[f"covariate-{name}"].abs().max() < 1e-12
        assert found[f"state-covariate-{name}"].abs().max() < 1e-12
    assert found["covariate-b"].abs().max() > 0.1


@pytest.mark.parametrize("kind", ["known", "without a stack, known"])
def test_what_stays_as_it_was_adds_nothing(kind: str) -> None:
    """A covariate that is the same at all steps adds nothing, whatever its value and the others."""
    net = random_net(**KINDS[kind])
    x, mask, _, covariates = data_for(net, 1)
    assert covariates is not None
    values, seen = covariates.values.clone(), covariates.seen.clone()
    values[:, 1], seen[:, 1] = 2, 1  # behind the past category
    covariates = covariates._replace(values=values, seen=seen)
    found = median_components(net, x, mask, ORIGINS, None, covariates, None, ("a", "b"))
    for key in [key for key in found if key.endswith("covariate-a")]:
        assert found[key].abs().max() < 1e-10
    assert found["covariate-b"].abs().max() > 0.1


def test_some_origins_at_a_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net = random_net(**KINDS["known"])
    x, mask, _, covariates = data_for(net, 2)
    whole = median_components(net, x, mask, ORIGINS, None, covariates, 5)
    for at_once in (1, 4):
        values = at_once * 2 * BATCH * (12 + 5) * net.covariates.encoder.width_ahead  # type: ignore[union-attr]
        monkeypatch.setattr(covariate_branch, "_VALUES_AT_ONCE", values)
        parts = median_components(net, x, mask, ORIGINS, None, covariates, 5)
        for key, part in whole.items():
            torch.testing.assert_close(parts[key], part, rtol=0, atol=1e-12)


def test_one_origin_has_the_components_of_many() -> None:
    net = random_net(**KINDS["known"])
    x, mask, _, covariates = data_for(net, 1)
    assert covariates is not None
    many = median_components(net, x, mask, ORIGINS, None, covariates, 5)
    x, mask = x[..., :-3], mask[..., :-3]
    cut = covariates._replace(values=covariates.values[..., :-3], seen=covariates.seen[..., :-3])
    one = median_components(net, x, mask, 1, None, cut, 5)
    for key, part in one.items():
        torch.testing.assert_close(part, many[key][..., -4:-3, :], rtol=0, atol=1e-11)


def test_shares_are_integrated_gradients() -> None:
    """The closed form against an integral of gradients by the midpoint rule."""
    torch.manual_seed(0)
    encoder = CovariateEncoder((), (3,), 2, 2, (2,), 1).double()
    values = torch.randn(2, 5, 1, 6, dtype=torch.float64)
    values[:, 0] = torch.randint(4, (2, 1, 6))
    seen, static = torch.ones_like(values), torch.ones(2, 2, 1, dtype=torch.float64)
    _, ahead = encoder(CovariateBatch(values, seen, static, static))
    assert encoder.mix is not None
    usual = ahead.mean(2, keepdim=True)
    raw, start = (v[..., : encoder.mix.in_features] for v in (ahead, usual))
    moved, integral = raw - start, torch.zeros(16, *raw.shape, dtype=torch.float64)
    steps = 400
    for i in range(steps):
        at = (start + (i + 0.5) / steps * moved).detach().requires_grad_()
        hidden = F.gelu(encoder.mix(at))
        for unit in range(16):
            (slope,) = torch.autograd.grad(hidden[..., unit].sum(), at, retain_graph=True)
            integral[unit] += slope * moved.detach() / steps
    shares = [*encoder.shares(ahead, usual)]
    for share, places in zip(shares, encoder.future.places(), strict=True):
        wanted = integral[..., places].sum(-1).movedim(0, -1)
        torch.testing.assert_close(share[..., -16:], wanted, rtol=0, atol=1e-4)
    of_usual = torch.cat([start, F.gelu(encoder.mix(start))], dim=-1)
    torch.testing.assert_close(sum(shares), ahead - of_usual, rtol=0, atol=1e-12)


def test_faults_are_named() -> None:
    net = random_net(n_future=2)
    x, mask, _, covariates = data_for(net, 1)
    with pytest.raises(ConfigError, match="`season`"):
        median_components(net, x, mask, ORIGINS, None, covariates, 0)
    for names in (("a",), ("a", "a")):
        with pytest.raises(ConfigError, match="2 future covariates"):
            median_components(net, x, mask, ORIGINS, None, covariates, None, names)


def test_without_a_stack_nothing_goes_through_the_state() -> None:
    net = random_net(**KINDS["without a stack, known"])
    x, mask, _, covariates = data_for(net, 1)
    parts = median_components(net, x, mask, ORIGINS, None, covariates, 12, ("sky", "price"))
    known = ["covariate-sky", "covariate-price", "calendar-hour", "calendar-weekday"]
    assert [*parts] == ["level", "last-season", *known, "stack"]
    flat = parts["stack"] / net(x, mask, ORIGINS, None, covariates).sigma.unsqueeze(-1)
    torch.testing.assert_close(flat[2], flat[2, :1, :, :1].expand_as(flat[2]))
