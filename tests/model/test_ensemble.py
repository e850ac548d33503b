"""EnsembleNet: the average of its networks at every origin, and what goes together."""

import pytest
import torch

from tests.helpers.networks import masked, random_net
from tsconv.errors import ConfigError
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.ensemble import EnsembleNet, joined_spec
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec

LEVELS = (0.1, 0.5, 0.9)


def net_of(seed: int = 0, **settings: object) -> ForecastNet:
    """A network whose weights differ from those of another seed."""
    net = random_net(**{"quantiles": LEVELS, **settings})
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.5 + torch.rand(parameter.shape, generator=generator))
    return net


def data(*shape: int, missing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).cumsum(-1)
    mask = (torch.rand(shape, generator=generator) >= missing).double()
    return masked(x, mask), mask


def test_quantiles_are_averaged_in_the_units_of_the_data() -> None:
    nets = [net_of(1), net_of(2, context_length=30, hidden=4), net_of(3, channels="mixed",
            n_targets=2, levels=5, seasonal_lags=())]  # fmt: skip
    x, mask = data(3, 2, 70, missing=0.2)
    each = torch.stack([net(x, mask, 20).values() for net in nets])  # (3, B, T, O, horizon, Q)
    ensemble = EnsembleNet(nets)
    torch.testing.assert_close(ensemble(x, mask, 20).values(), each.mean(0))
    weighted = EnsembleNet(nets, [1, 2, 5])(x, mask, 20).values()
    torch.testing.assert_close(weighted, (each[0] + 2 * each[1] + 5 * each[2]) / 8)
    assert ensemble.history == max(net.history for net in nets)
    assert ensemble.receptive_field == max(net.receptive_field for net in nets)
    assert ensemble.quantiles == LEVELS


def test_a_network_counts_where_its_own_context_holds_an_observation() -> None:
    short, long = net_of(1, context_length=4, smooth=(), slope=()), net_of(2, context_length=20)
    x, mask = data(1, 1, 60)
    mask[..., 40:] = 0
    x = masked(x, mask)
    made = EnsembleNet([short, long])(x, mask, 25)  # origins 35 to 59
    apart = [net(x, mask, 25).values() for net in (short, long)]
    both = slice(0, 8)  # up to origin 42, whose last four steps hold step 39
    torch.testing.assert_close(made.values()[:, :, both], (apart[0] + apart[1])[:, :, both] / 2)
    torch.testing.assert_close(made.values()[:, :, 8:24], apart[1][:, :, 8:24])
    assert (made.n_observed > 0).flatten().tolist() == [True] * 24 + [False]  # origin 59: none
    assert made.values().isfinite().all()


def test_without_a_spread_every_quantile_is_the_mean() -> None:
    """One context is constant, the other is not; then both are."""
    short, long = net_of(1, context_length=4), net_of(2, context_length=30)
    x = torch.full((1, 1, 60), 4.25, dtype=torch.float64)
    x[..., :20] = torch.arange(20)
    mask = torch.ones_like(x)
    made = EnsembleNet([short, long])(x, mask, 40)  # origins 20 to 59
    values = made.values()
    expected = (short(x, mask, 40).values() + long(x, mask, 40).values()) / 2
    torch.testing.assert_close(values, expected, rtol=1e-12, atol=1e-12)
    assert (made.sigma[..., -11:] == 0).all()
    assert (made.inverse[..., -11:] == 0).all()
    assert (values[:, :, -11:] == 4.25).all()
    varies = made.sigma > 0
    torch.testing.assert_close(made.inverse[varies], 1 / made.sigma[varies])


def test_quantiles_stay_in_order() -> None:
    x, mask = data(4, 1, 80, missing=0.3)
    values = EnsembleNet([net_of(s) for s in range(3)], [0.1, 1, 7]).float()(
        x.float(), mask.float(), 50
    ).values()  # fmt: skip
    assert (values.diff(dim=-1) >= 0).all()


def test_each_network_takes_its_own_calendar() -> None:
    common = {"n_future": 1, "static_categories": (3,), "past_categories": (2,)}
    names = (("weekday",), ("hour", "weekday"), ())
    nets = [net_of(s, calendar=calendar, **common) for s, calendar in enumerate(names)]
    ensemble = EnsembleNet(nets)
    assert ensemble.spec.calendar == ("weekday", "hour")
    x, mask = data(2, 1, 1, 50)
    values = torch.rand(2, 6, 1, 55, dtype=torch.float64)  # past, future, weekday, hour
    values[:, 0] = torch.floor(3 * values[:, 0])
    static = torch.ones(2, 1, 1, dtype=torch.float64)
    whole = CovariateBatch(values, torch.ones_like(values), static, static)

    def of(*columns: int) -> CovariateBatch:
        return whole._replace(values=values[:, columns], seen=torch.ones_like(values[:, columns]))

    own = [of(0, 1, 2, 3), of(0, 1, 4, 5, 2, 3), of(0, 1)]
    each = [n(x, mask, 9, covariates=c).values() for n, c in zip(nets, own, strict=True)]
    made = ensemble(x, mask, 9, covariates=whole).values()
    torch.testing.assert_close(made, torch.stack(each).mean(0))
    with pytest.raises(
        ConfigError, match=r"`covariates` has shapes .*, expected \(\(2, 6, 1, 55\)"
    ):
        ensemble(x, mask, 9, covariates=own[0])


def test_a_network_without_covariates_stands_beside_one_with_a_calendar() -> None:
    plain, dated = net_of(1), net_of(2, calendar=("month",))
    x, mask = data(2, 1, 50)
    values = torch.rand(2, 2, 1, 55, dtype=torch.float64)
    empty = values.new_zeros(2, 0, 1)
    covariates = CovariateBatch(values, torch.ones_like(values), empty, empty)
    made = EnsembleNet([plain, dated])(x, mask, 9, covariates=covariates).values()
    each = plain(x, mask, 9).values() + dated(x, mask, 9, covariates=covariates).values()
    torch.testing.assert_close(made, each / 2)


def test_a_row_never_seen_is_forecast_by_the_networks_that_can() -> None:
    nets = [net_of(s, rows=rows, n_rows=3) for s, rows in enumerate(("separate", "pooled"))]
    ensemble = EnsembleNet([*nets, net_of(5)])  # the last: shared rows
    index = torch.tensor([2, -1, 0])
    x, mask = data(2, 1, 3, 50)
    made = ensemble(x, mask, 9, index).values()  # (B, T, H, O, horizon, Q)
    others = [net(x, mask, 9, index).values() for net in ensemble.members[1:]]
    torch.testing.assert_close(made[:, :, 1], (others[0] + others[1])[:, :, 1] / 2)
    seen = [0, 2]
    separate = nets[0](x[:, :, seen], mask[:, :, seen], 9, index[seen]).values()
    known = torch.stack([separate, *(v[:, :, seen] for v in others)]).mean(0)
    torch.testing.assert_close(made[:, :, seen], known)
    with pytest.raises(ConfigError, match="`row_index`"):
        EnsembleNet([nets[0], nets[0]])(x, mask, 9, index)


def test_a_series_never_seen_is_forecast_by_the_networks_that_can() -> None:
    kinds = ({"maps": "separate"}, {"series": "separate"}, {"series": "pooled"})
    nets = [net_of(s, n_series=3, n_targets=2, **kind) for s, kind in enumerate(kinds)]
    ensemble = EnsembleNet([*nets, net_of(5)])  # the last: all series share
    assert ensemble.by_series
    index = torch.tensor([2, -1, 0, 2])
    for shape in ((4, 2, 50), (4, 2, 1, 50)):
        x, mask = data(*shape)
        made = ensemble(x, mask, 9, index).values()
        pooled, shared = nets[2](x, mask, 9, index).values(), net_of(5)(x, mask, 9).values()
        torch.testing.assert_close(made[1], (pooled + shared)[1] / 2)
        seen = [0, 2, 3]
        each = [net(x[seen], mask[seen], 9, index[seen]).values() for net in nets]
        torch.testing.assert_close(made[seen], (sum(each) + shared[seen]) / 4)
    with pytest.raises(ConfigError, match="`row_index`"):
        EnsembleNet(nets[:2])(x, mask, 9, index)


def test_the_joined_spec_is_what_the_data_have_to_give() -> None:
    specs = [
        NetSpec(3, 8, rows="separate", n_rows=4, n_targets=2, cross_row="mean"),
        NetSpec(3, 20, channels="mixed", n_targets=2),
    ]
    found = joined_spec(specs)
    assert (found.horizon, found.context_length, found.n_targets, found.n_rows) == (3, 20, 2, 4)
    assert (found.rows, found.cross_row, found.channels) == ("pooled", "mean", "mixed")
    assert joined_spec([specs[0]] * 2).rows == "separate"
    series = [NetSpec(3, 8, series=kind, n_series=4) for kind in ("separate", "shared", "pooled")]
    assert joined_spec(series).series == "pooled"
    assert joined_spec([*series, NetSpec(3, 8, maps="pooled", n_series=4)]).maps == "pooled"
    maps = NetSpec(3, 8, maps="separate", n_series=4)
    apart = joined_spec([series[0], maps])
    assert (apart.series, apart.maps, apart.n_series) == ("separate", "separate", 4)
    assert joined_spec([NetSpec(3, 8), NetSpec(3, 9)]).rows == "shared"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"horizon": 6}, "`horizon`: one has 5, another 6"),
        ({"quantiles": (0.2, 0.5, 0.8)}, "`quantiles`"),
        ({"n_past": 1}, "`n_past`"),
        ({"n_future": 1}, "`n_future`"),
        ({"rows": "pooled", "n_rows": 2}, "`n_rows`: one has 3, another 2"),
    ],
)
def test_networks_that_do_not_go_together_are_refused(other: dict, message: str) -> None:
    first = net_of(rows="separate", n_rows=3)
    with pytest.raises(ConfigError, match=message):
        EnsembleNet([first, net_of(**other)])


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, float("inf")], [1.0, float("nan")]])
def test_weights_are_numbers_above_zero(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="must be a number above 0 for each of 2 networks"):
        EnsembleNet([net_of(1), net_of(2)], weights)


def test_it_is_in_the_mode_of_its_networks() -> None:
    nets = [net_of(1), net_of(2)]
    assert not EnsembleNet(nets).training
    assert EnsembleNet([nets[0], nets[1].train()]).training
    assert [net.training for net in nets] == [False, True]


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one network"):
        EnsembleNet([])
