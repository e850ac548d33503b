"""What holds where series (B, C, W) have filters or maps of their own: each is its own network."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import masked, random_net
from tsconv.errors import ConfigError
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.network import ForecastNet
from tsconv.model.windowed_reference import windowed_reference

S, W = 4, 46
PAST = {"channels": "mixed", "n_targets": 2, "n_past": 1}
APART = {"n_targets": 2, "n_past": 1}
COVARIATES = {"future_categories": (3,), "n_future": 1, "calendar": ("hour",), "n_static": 1}
FORMS = [
    {"series": "separate"},
    {"series": "pooled"},
    {"maps": "separate"},
    {"maps": "pooled"},
    {"series": "pooled", "maps": "separate"},
    {"series": "separate", "maps": "shared"},
]
each_form = pytest.mark.parametrize("form", FORMS, ids=str)
each_kind = pytest.mark.parametrize("channels", [PAST, APART], ids=["mixed", "independent"])


def data(seed: int, n_series: int = S) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_series, 3, W, generator=generator, dtype=torch.float64).cumsum(-1)
    mask = (torch.rand(x.shape, generator=generator) >= 0.2).double()
    return masked(x, mask), mask


def covariates(net: ForecastNet, n_series: int = S) -> CovariateBatch | None:
    count = net.spec.n_covariates
    if not count:
        return None
    generator = torch.Generator().manual_seed(1)
    shape = (n_series, count, 1, W + net.spec.horizon)
    values = torch.randint(0, 4, shape, generator=generator).double()
    static = torch.randn(n_series, 1, 1, generator=generator, dtype=torch.float64)
    return CovariateBatch(values, torch.ones_like(values), static, torch.ones_like(static))


def of_one(given: CovariateBatch | None, s: int) -> CovariateBatch | None:
    return given and CovariateBatch(*(v[s : s + 1] for v in given))


def alone(net: ForecastNet, s: int) -> ForecastNet:
    """The network of one series: -1 takes the shared values of a pooled one."""
    spec = {k: getattr(net.spec, k) for k in net.spec.__dataclass_fields__}
    spec |= {"series": "shared", "n_series": None}
    if net.spec.maps in ("separate", "pooled"):
        spec |= {"maps": "pooled", "n_series": 1}  # a map for each channel
    one, own = random_net(**spec), net.state_dict()
    state = {}
    for name, value in one.state_dict().items():
        if ".row_" in name:
            state[name] = torch.zeros_like(value)
            continue
        mine = own[name]
        if mine.shape != value.shape:
            mine = mine.view(S, *value.shape)[s]
        deviation = own.get(name.rpartition(".")[0] + ".row_" + name.rpartition(".")[2])
        if deviation is not None and s >= 0:
            mine = mine + deviation.view(S, *value.shape)[s]
        state[name] = mine
    one.load_state_dict(state)
    return one


@each_form
@each_kind
@pytest.mark.parametrize("more", [{}, COVARIATES], ids=["alone", "covariates"])
@given(seed=st.integers(0, 99))
@settings(max_examples=4)
def test_together_equals_a_loop_of_networks(
    form: dict, channels: dict, more: dict, seed: int
) -> None:
    net = random_net(n_series=S, quantiles=(0.1, 0.5, 0.9), **form, **channels, **more)
    (x, mask), given_ahead = data(seed), covariates(net)
    together = net(x, mask, 9, covariates=given_ahead).values()
    for s in range(S):
        part = slice(s, s + 1)
        one = alone(net, s)(x[part], mask[part], 9, None, of_one(given_ahead, s)).values()
        torch.testing.assert_close(together[part], one, rtol=0, atol=1e-9)


@each_form
@each_kind
def test_permuting_series_with_their_numbers_permutes_forecasts(form: dict, channels: dict) -> None:
    net = random_net(n_series=S, **form, **channels)
    x, mask = data(1)
    order = torch.tensor([2, 0, 3, 3, 0])  # a batch may hold several chunks of a series
    torch.testing.assert_close(
        net(x[order], mask[order], 5, order).values(),
        net(x, mask, 5).values()[order],
        rtol=0,
        atol=1e-9,
    )


@each_form
def test_a_series_never_seen_is_forecast_by_what_is_shared_or_refused(form: dict) -> None:
    net = random_net(n_series=S, **form, **APART)
    x, mask = data(2, n_series=2)
    unseen = torch.tensor([-1, 1])
    if "separate" in form.values():
        with pytest.raises(ConfigError, match=r"`row_index` \(=\[-1, 1\]\)"):
            net(x, mask, 5, unseen)
        return
    out = net(x, mask, 5, unseen).values()
    for b, s in enumerate(unseen.tolist()):
        one = alone(net, s)(x[b : b + 1], mask[b : b + 1], 5).values()
        torch.testing.assert_close(out[b : b + 1], one, rtol=0, atol=1e-9)


@each_form
@each_kind
@given(seed=st.integers(0, 99))
@settings(max_examples=3)
def test_dense_equals_windows(form: dict, channels: dict, seed: int) -> None:
    net = random_net(n_series=S, **form, **channels)
    x, mask = data(seed)
    mask[1, :, :10] = 0
    x = masked(x, mask)
    dense = net(x, mask, 20).values()
    windows = windowed_reference(net, x, mask, range(W - 20, W))
    torch.testing.assert_close(dense, windows, rtol=0, atol=1e-9)


@each_form
@each_kind
@given(seed=st.integers(0, 99), origin=st.integers(20, 44))
@settings(max_examples=4)
def test_no_future_changes_the_past_and_no_series_another(
    form: dict, channels: dict, seed: int, origin: int
) -> None:
    net = random_net(n_series=S, **form, **channels)
    x, mask = data(seed)
    changed, seen = x.clone(), mask.clone()
    changed[..., origin + 1 :] = 1e6
    seen[..., origin + 1 :] = 1 - seen[..., origin + 1 :]
    changed[0] = 7 * changed[0].flip(-1)
    before, after = (
        net(v * m, m, W).values()[..., : origin + 1, :, :] for v, m in ((x, mask), (changed, seen))
    )
    assert torch.equal(before[1:], after[1:])
    assert not torch.equal(before[0], after[0])


@each_form
def test_a_chunk_trains_the_parameters_of_its_own_series(form: dict) -> None:
    net = random_net(n_series=S, **form, **APART)
    x, mask = data(3, n_series=2)
    net(x, mask, 5, torch.tensor([1, 1])).values().sum().backward()
    grown = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    apart = [k for k in grown if ".row_" in k or (form.get("maps") == "separate" and "linear" in k)]
    if form.get("series") == "separate":
        apart += ["stem.weight", "head.project.weight"]
    assert apart
    for name in apart:
        by_series = grown[name].view(S, -1).abs().sum(1)
        assert by_series[1] > 0
        assert by_series[[0, 2, 3]].sum() == 0


def test_maps_by_row_stand_beside_shared_filters() -> None:
    """With rows, maps differ by row; the filters stay shared."""
    net = random_net(n_rows=3, maps="separate", **APART)
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(2, 3, 3, W, generator=generator, dtype=torch.float64)
    mask = torch.ones_like(x)
    out = net(x, mask, 4).values()
    order = torch.tensor([2, 0])
    some = net(x[:, :, order], mask[:, :, order], 4, order).values()
    torch.testing.assert_close(some, out[:, :, order], rtol=0, atol=1e-9)
    with torch.no_grad():
        net.linear.weight.view(3, 2, 5, 12)[1, 0] += 1  # type: ignore[union-attr]
    changed = (net(x, mask, 4).values() != out).flatten(3).any(-1).any(0)  # (T, H)
    assert changed.tolist() == [[False, True, False], [False, False, False]]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"series": "pooled"}, "`n_series` (=None) must be given with `series` (=pooled)"),
        ({"series": "pooled", "n_series": 3, "cross_row": "mean"}, "panels without rows"),
        ({"series": "some", "n_series": 3}, "`series` (=some) must be one of"),
        ({"maps": "separate", "n_series": 3}, "`n_targets`, and `n_series` or `n_rows`"),
        ({"maps": "separate", "n_series": 3, "n_targets": 1, "linear": False}, "needs `linear`"),
        ({"maps": "pooled", "n_series": 3, "n_rows": 2}, "cannot both be given"),
    ],
)
def test_a_spec_without_sense_is_refused(spec: dict, text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        random_net(**spec)
    assert text in str(raised.value)


def test_wrong_numbers_of_series_are_refused() -> None:
    net = random_net(n_series=S, maps="pooled", **APART)
    x, mask = data(0, n_series=3)
    with pytest.raises(ConfigError, match="x has 3 series, the training had 4"):
        net(x, mask)
    with pytest.raises(ConfigError, match="names a row beyond the layer's 4"):
        net(x, mask, 1, torch.tensor([0, 1, 4]))
    with pytest.raises(ConfigError, match="takes series without rows"):
        net(torch.zeros(4, 3, 2, 40), torch.ones(4, 3, 2, 40))
