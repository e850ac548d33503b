"""What holds for grouped series (B, C, H, W): rows apart, alike, pooled, and telling each other."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.networks import masked, random_net
from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.errors import ConfigError
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.model.windowed_reference import windowed_reference
from tsconv.training.step.dense_loss import dense_loss

H, B, C, W = 4, 2, 3, 46
PAST = {"channels": "mixed", "n_targets": 2, "n_past": 1}
APART = {"n_past": 1}


def data(seed: int, missing: float = 0.2, n_rows: int = H) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(B, C, n_rows, W, generator=generator, dtype=torch.float64).cumsum(-1)
    mask = (torch.rand(x.shape, generator=generator) >= missing).double()
    return masked(x, mask), mask


def alone(net: ForecastNet, h: int | None = None) -> ForecastNet:
    """The network of one row of a `separate` one, or the one that all rows of a `shared` share."""
    spec = {k: getattr(net.spec, k) for k in net.spec.__dataclass_fields__}
    one = random_net(**{**spec, "rows": "shared", "n_rows": None})
    if h is None:
        return one
    state = {}
    for name, value in one.state_dict().items():
        mine = net.state_dict()[name]
        state[name] = mine.view(H, *value.shape)[h] if mine.shape != value.shape else mine
    one.load_state_dict(state)
    return one


@pytest.mark.parametrize("channels", [PAST, APART])
@pytest.mark.parametrize("quantiles", [None, (0.1, 0.5, 0.9)])
@given(seed=st.integers(0, 99), options=st.sampled_from([{}, {"norm": "rms", "expansion": 2}]))
@settings(max_examples=10)
def test_separate_equals_a_loop_of_networks(
    channels: dict, quantiles: tuple[float, ...] | None, seed: int, options: dict
) -> None:
    net = random_net(rows="separate", n_rows=H, quantiles=quantiles, **channels, **options)
    x, mask = data(seed)
    together = net(x, mask, 9).values()
    for h in range(H):
        one = alone(net, h)(x[:, :, h], mask[:, :, h], 9).values()
        torch.testing.assert_close(together[:, :, h], one, rtol=0, atol=1e-9)


@pytest.mark.parametrize("channels", [PAST, APART])
@pytest.mark.parametrize("cross_row", ["none", "mean", "dense"])
def test_separate_with_equal_weights_equals_shared(channels: dict, cross_row: str) -> None:
    shared = random_net(n_rows=H, cross_row=cross_row, **channels)
    separate = random_net(rows="separate", n_rows=H, cross_row=cross_row, **channels)
    separate.load_state_dict(
        {
            name: value if value.shape == own.shape else value.repeat(H, *[1] * (value.ndim - 1))
            for (name, value), own in zip(
                shared.state_dict().items(), separate.state_dict().values(), strict=True
            )
        }
    )
    x, mask = data(0)
    torch.testing.assert_close(
        separate(x, mask, 9).values(), shared(x, mask, 9).values(), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("channels", [PAST, APART])
@pytest.mark.parametrize("rows", ["shared", "separate", "pooled"])
@given(seed=st.integers(0, 99), row=st.integers(0, H - 1))
@settings(max_examples=10)
def test_a_row_changes_itself_alone(channels: dict, rows: str, seed: int, row: int) -> None:
    """A hole (what a NaN in a file becomes) or a wild value in row h stays in row h, bitwise."""
    net = random_net(rows=rows, n_rows=H, **channels)
    x, mask = data(seed)
    other, seen = x.clone(), mask.clone()
    seen[:, :, row, 20:] = 0
    other[:, :, row, :20] *= 1e3
    before, after = net(x, mask, 15).values(), net(masked(other, seen), seen, 15).values()
    kept = [h for h in range(H) if h != row]
    assert torch.equal(before[:, :, kept], after[:, :, kept])
    assert not torch.equal(before[:, :, row], after[:, :, row])


@pytest.mark.parametrize("cross_row", ["mean", "dense"])
def test_rows_hear_each_other_where_asked(cross_row: str) -> None:
    net = random_net(n_rows=H, cross_row=cross_row)
    x, mask = data(0)
    other = x.clone()
    other[:, :, 2] *= torch.linspace(0.5, 3, W).double()
    before, after = net(x, mask).values(), net(masked(other, mask), mask).values()
    for h in range(H):
        assert not torch.equal(before[:, :, h], after[:, :, h])


@pytest.mark.parametrize("channels", [PAST, APART])
@pytest.mark.parametrize("cross_row", ["none", "mean"])
@pytest.mark.parametrize("rows", ["shared", "pooled"])
@given(seed=st.integers(0, 99), n_rows=st.integers(1, 6))
@settings(max_examples=10)
def test_permuting_rows_permutes_forecasts(
    channels: dict, cross_row: str, rows: str, seed: int, n_rows: int
) -> None:
    net = random_net(rows=rows, n_rows=n_rows, cross_row=cross_row, **channels)
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.rpartition(".")[2].startswith("row_"):
                p.zero_()  # deviations of zero: every row is as the pool
    x, mask = data(seed, n_rows=n_rows)
    order = torch.randperm(n_rows, generator=torch.Generator().manual_seed(seed))
    expected = net(x, mask, 9).values()[:, :, order]
    permuted = net(x[:, :, order], mask[:, :, order], 9).values()
    torch.testing.assert_close(permuted, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rows", ["separate", "pooled"])
def test_permuting_rows_with_their_numbers_permutes_forecasts(rows: str) -> None:
    net = random_net(rows=rows, n_rows=H, **PAST)
    x, mask = data(1)
    order = torch.tensor([2, 0, 3])
    torch.testing.assert_close(
        net(x[:, :, order], mask[:, :, order], 5, order).values(),
        net(x, mask, 5).values()[:, :, order],
        rtol=0,
        atol=1e-9,
    )


def test_a_learned_mixture_takes_its_own_rows_in_order_alone() -> None:
    net = random_net(rows="pooled", n_rows=H, cross_row="dense", **PAST)
    x, mask = data(1)
    with pytest.raises(
        ConfigError, match=r"`row_index` \(=\[1, 0, 2, 3\]\): `cross_row` \(=dense\)"
    ):
        net(x, mask, 5, torch.tensor([1, 0, 2, 3]))
    assert torch.equal(net(x, mask, 5, torch.arange(H)).values(), net(x, mask, 5).values())


def test_pooled_forecasts_a_row_never_seen_with_the_shared_weights() -> None:
    net = random_net(rows="pooled", n_rows=H, **APART)
    shared = alone(net)
    shared.load_state_dict(
        {k: v for k, v in net.state_dict().items() if not k.rpartition(".")[2].startswith("row_")}
    )
    x, mask = data(2, n_rows=1)
    out = net(x, mask, 5, torch.tensor([-1])).values()
    torch.testing.assert_close(out, shared(x, mask, 5).values(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("channels", [PAST, APART])
@pytest.mark.parametrize("cross_row", ["none", "mean", "dense"])
@pytest.mark.parametrize("rows", ["shared", "separate", "pooled"])
@given(seed=st.integers(0, 99), missing=st.sampled_from([0, 0.3, 0.8]))
@settings(max_examples=6)
def test_dense_equals_windows(
    channels: dict, cross_row: str, rows: str, seed: int, missing: float
) -> None:
    net = random_net(rows=rows, n_rows=H, cross_row=cross_row, **channels)
    x, mask = data(seed, missing)
    mask[:, :, 1, :10] = 0  # a row that begins later
    x = masked(x, mask)
    dense = net(x, mask, 20).values()
    windows = windowed_reference(net, x, mask, range(W - 20, W))
    torch.testing.assert_close(dense, windows, rtol=0, atol=1e-9)


@pytest.mark.parametrize("channels", [PAST, APART])
@pytest.mark.parametrize("cross_row", ["mean", "dense"])
@given(seed=st.integers(0, 99), origin=st.integers(20, 44))
@settings(max_examples=10)
def test_the_future_of_no_row_or_channel_changes_the_past(
    channels: dict, cross_row: str, seed: int, origin: int
) -> None:
    net = random_net(rows="separate", n_rows=H, cross_row=cross_row, **channels)
    x, mask = data(seed)
    changed, seen = x.clone(), mask.clone()
    changed[..., origin + 1 :] = 1e6
    seen[..., origin + 1 :] = 1 - seen[..., origin + 1 :]
    before, after = (
        net(v * m, m, W).values()[..., : origin + 1, :, :] for v, m in ((x, mask), (changed, seen))
    )
    assert torch.equal(before, after)


@pytest.mark.parametrize("channels", [PAST, APART])
def test_series_of_a_batch_do_not_mix(channels: dict) -> None:
    net = random_net(rows="separate", n_rows=H, cross_row="dense", **channels)
    x, mask = data(3)
    together = net(x, mask, 7).values()
    for b in range(B):
        one = net(x[b : b + 1], mask[b : b + 1], 7).values()
        torch.testing.assert_close(together[b : b + 1], one, rtol=0, atol=1e-11)


def test_mixed_channels_see_each_other_and_independent_ones_the_past_only_ones() -> None:
    x, mask = data(4, missing=0)
    moved = [x.clone() for _ in range(C)]
    for c in range(C):
        moved[c][:, c] += torch.randn(B, H, W, dtype=torch.float64)

    def changed(net: ForecastNet, c: int) -> list[bool]:
        before, after = net(x, mask).values(), net(moved[c], mask).values()
        return [not torch.equal(before[:, k], after[:, k]) for k in range(2)]

    mixed, apart = random_net(**PAST), random_net(**APART)
    assert [changed(mixed, c) for c in range(C)] == [[True, True]] * 3
    assert [changed(apart, c) for c in range(C)] == [[True, False], [False, True], [True, True]]


@pytest.mark.parametrize("channels", [PAST, APART])
def test_each_target_of_each_row_starts_at_its_own_seasonal_mean(channels: dict) -> None:
    """Before training the forecast is known in closed form: nothing may have changed places."""
    torch.manual_seed(0)
    spec = NetSpec(
        horizon=3, context_length=8, seasonal_lags=(4,), levels=2, rows="separate", n_rows=H,
        **channels,
    )  # fmt: skip
    net = ForecastNet(spec).double().eval()
    x = torch.randn(B, C, H, 30, dtype=torch.float64)
    out = net(x, torch.ones_like(x), 5).values()[..., 0]  # (B, T, H, 5, 3)
    for o, origin in enumerate(range(25, 30)):
        for ahead in range(1, 4):
            same = x[:, :2, :, origin + ahead - 4] + x[:, :2, :, origin + ahead - 8]
            torch.testing.assert_close(out[..., o, ahead - 1], same / 2, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", ["series", "origin"])
@pytest.mark.parametrize("channels", [PAST, APART])
def test_the_loss_of_a_family_is_that_of_its_members_together(channels: dict, scale: str) -> None:
    """Targets, masks and units belong to their own row and target."""
    net = random_net(quantiles=(0.1, 0.5, 0.9), **channels)
    x, mask = data(6)
    generator = torch.Generator().manual_seed(6)
    y = torch.randn(B, 2, H, 6 + 4, generator=generator, dtype=torch.float64)
    y_mask = (torch.rand(y.shape, generator=generator) > 0.3).double()
    inv_scale = torch.rand(B, 2, H, generator=generator, dtype=torch.float64)
    valid = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    batch = Batch(x, mask, y, y_mask, valid, torch.arange(B), torch.zeros(B).long())
    head = HeadConfig("quantile", None, "mae", scale)
    loss, count = dense_loss(net, batch, inv_scale, head)
    with torch.no_grad():
        out = net(x, mask, 6)
    total = terms = 0.0
    for b, c, h, o, k in itertools.product(range(B), range(2), range(H), range(6), range(5)):
        if not (valid[b, o] and y_mask[b, c, h, o + k] and out.n_observed[b, c, h, o] > 0):
            continue
        size = inv_scale[b, c, h] if scale == "series" else out.inverse[b, c, h, o]
        if size == 0:
            continue
        values = out.values()[b, c, h, o, k]
        for q, level in enumerate((0.1, 0.5, 0.9)):
            error = (y[b, c, h, o + k] - values[q]) * size
            total += float(2 / 3 * max(level * error, (level - 1) * error))
        terms += 1
    assert float(count) == terms
    assert float(loss.detach()) == pytest.approx(total / terms, rel=1e-9)


def test_an_empty_target_leaves_the_other_finite_and_is_counted_as_unknown() -> None:
    for channels in (PAST, APART):
        net = random_net(**channels)
        x, mask = data(5)
        mask[:, 0] = 0
        out = net(masked(x, mask), mask, 4)
        assert out.values().isfinite().all()
        assert (out.n_observed[:, 0] == 0).all()
        assert (out.n_observed[:, 1] > 0).all()


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (PAST, (1, 2, 4, 40), "x has 2 channels, expected 2 targets and 1 past-only ones"),
        (APART, (1, 1, 4, 40), "x has 1 channels, expected at least one target"),
        ({"rows": "separate", "n_rows": 3}, (1, 1, 4, 40), r"x has 4 rows, .* `n_rows` \(=3\)"),
        ({"cross_row": "dense", "n_rows": 3}, (1, 1, 4, 40), r"`cross_row` \(=dense\) mixes"),
        ({}, (4, 40), r"expected the same \(B, C, H, W\) or \(B, C, W\)"),
    ],
)
def test_bad_shapes_are_shown(spec: dict, shape: tuple[int, ...], message: str) -> None:
    x = torch.zeros(shape, dtype=torch.float64)
    with pytest.raises(ConfigError, match=message):
        random_net(**spec)(x, torch.ones_like(x))
