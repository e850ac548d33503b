"""What a backtest says of an origin depends on nothing after what that origin forecasts."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.backtests import (
    QUANTILES,
    Collected,
    backtest,
    bundle_of,
    grouped_bundle,
    grouped_frame,
    shops,
)
from tests.helpers.networks import random_net
from tsconv.backtest.figures import metrics_of
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.bundles.bundle import Bundle

SEEN = 30


def changed_after(panel: Panel, step: int, seed: int, missing: bool) -> Panel:
    """The panel with other values after a step of each series, or with none."""
    generator = torch.Generator().manual_seed(seed)
    values = panel.values.clone()
    after = torch.cat([torch.arange(int(n)) > step for n in panel.lengths])
    noise = 50 * torch.randn(values.shape, generator=generator, dtype=values.dtype)
    values[after] = torch.nan if missing else (values + noise)[after]
    return dataclasses.replace(panel, values=values)


def case(form: str, seed: int) -> tuple[Bundle, Panel]:
    if form == "grouped":
        return grouped_bundle(grouped_frame(seed))
    panel = shops(3, 70, seed)
    return bundle_of(random_net(quantiles=QUANTILES), panel), panel


@pytest.mark.parametrize("form", ["series", "grouped"])
@given(seed=st.integers(0, 99), step=st.integers(20, 60), missing=st.booleans())
@settings(max_examples=8, deadline=None)
def test_values_after_an_origin_change_no_bit_of_its_forecast(
    form: str, seed: int, step: int, missing: bool
) -> None:
    bundle, panel = case(form, seed)
    before, after = Collected(), Collected()
    backtest(bundle, panel, seen=20, observers=(before,))
    backtest(bundle, changed_after(panel, step, seed, missing), seen=20, observers=(after,))
    compared = 0
    for key, forecast in before.forecasts.items():
        if key[3] <= step:
            np.testing.assert_array_equal(forecast, after.forecasts[key])
            compared += 1
    assert compared > 0


@pytest.mark.parametrize("form", ["series", "grouped"])
@given(seed=st.integers(0, 99), days=st.integers(0, 15))
@settings(max_examples=8, deadline=None)
def test_values_after_the_last_horizon_change_no_figure(form: str, seed: int, days: int) -> None:
    bundle, panel = case(form, seed)
    last = panel.start.max() + np.timedelta64(SEEN + 5 + days, "D")
    step = int((last - panel.start.min()) / np.timedelta64(1, "D")) + bundle.net.spec.horizon

    def figures(one: Panel) -> dict[str, Any]:
        return metrics_of(backtest(bundle, one, seen=SEEN, last=np.array([last])))

    assert figures(panel) == figures(changed_after(panel, step, seed, missing=False))


@given(seed=st.integers(0, 99))
@settings(max_examples=5, deadline=None)
def test_the_order_of_series_changes_no_figure(seed: int) -> None:
    panel = shops(3, 60, seed)
    order = np.random.default_rng(seed).permutation(3)
    index = torch.cat([torch.arange(*panel.indptr[s : s + 2].tolist()) for s in order])
    lengths = panel.lengths[order]
    turned = dataclasses.replace(
        panel,
        values=panel.values[index],
        indptr=torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)]),
        offset=panel.offset[order],
        ids=tuple(panel.ids[s] for s in order),
        start=panel.start[order],
        present=panel.present[order],
    )
    net = random_net(quantiles=QUANTILES)
    one, other = (
        metrics_of(backtest(bundle_of(net, p), p, seen=SEEN))["overall"] for p in (panel, turned)
    )
    for name, value in one.items():
        if isinstance(value, float):
            assert other[name] == pytest.approx(value, rel=1e-9), name
