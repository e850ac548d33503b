"""Metrics against numbers worked out by hand, and against plain formulas."""

import pytest
import torch

from tsconv.evaluation.losses import masked_mean, pinball, point_loss, quantile_loss
from tsconv.evaluation.metrics import METRIC_NAMES, MetricSums, SeriesScale
from tsconv.evaluation.observations import Observations


def sums(quantiles: tuple[float, ...] = (0.5,), n: int = 1) -> MetricSums:
    ones = torch.ones(n, 1, 1, dtype=torch.float64)
    return MetricSums(SeriesScale(0 * ones, 2 * ones, 4 * ones, 16 * ones), quantiles)


def test_point_metrics_by_hand() -> None:
    total = sums()
    forecast = torch.tensor([1.0, 2.0, 9.0]).reshape(1, 1, 1, 1, 3, 1)
    observed = torch.tensor([3.0, 2.0, 100.0]).reshape(1, 1, 1, 1, 3)
    mask = torch.tensor([1.0, 1.0, 0.0]).reshape(1, 1, 1, 1, 3)
    total.add(forecast.unbind(-1), Observations(observed, mask, torch.tensor([0])))
    out = total.result()
    assert set(out) == set(METRIC_NAMES)
    assert out["mse"] == 2
    assert out["mae"] == 1
    assert out["rmse"] == pytest.approx(2**0.5)
    assert out["smape"] == pytest.approx(100 * (2 * 2 / 4 + 0) / 2)
    assert out["mase"] == 0.25
    assert out["scaled_mse"] == 0.5
    assert out["scaled_mae"] == 0.5
    assert out["wql"] == pytest.approx(2 / 5)
    assert out["coverage_80"] is None
    assert out["n_origins"] == 1


def test_coverage_and_quantile_loss() -> None:
    total = sums((0.1, 0.5, 0.9))
    forecast = torch.tensor([0.0, 1.0, 2.0]).expand(1, 1, 1, 2, 1, 3)
    observed = torch.tensor([1.5, 5.0]).reshape(1, 1, 1, 2, 1)
    seen = Observations(observed, torch.ones_like(observed), torch.tensor([0]))
    total.add(forecast.unbind(-1), seen)
    out = total.result()
    assert out["coverage_80"] == 0.5
    by_hand = (
        2
        / 3
        * sum(
            float(pinball(y - f, q))
            for y in (torch.tensor(1.5), torch.tensor(5.0))
            for f, q in ((0.0, 0.1), (1.0, 0.5), (2.0, 0.9))
        )
    )
    assert out["wql"] == pytest.approx(by_hand / 6.5)
    assert out["n_origins"] == 2


def test_sums_do_not_depend_on_the_batches() -> None:
    torch.manual_seed(0)
    forecast, observed = torch.randn(6, 1, 1, 4, 3, 1), torch.randn(6, 1, 1, 4, 3)
    mask, series = (torch.rand(6, 1, 1, 4, 3) > 0.3).float(), torch.tensor([0, 1, 0, 2, 2, 1])
    whole, parts = sums(n=3), sums(n=3)
    whole.add(forecast.unbind(-1), Observations(observed, mask, series))
    for b in range(6):
        part = slice(b, b + 1)
        seen = Observations(observed[part], mask[part], series[part])
        parts.add(forecast[part].unbind(-1), seen)
    a, b_ = whole.result(), parts.result()
    assert all(a[k] == pytest.approx(b_[k]) for k in METRIC_NAMES if a[k] is not None)


def test_nothing_to_score_is_none_and_not_nan() -> None:
    out = sums().result()
    assert out["n_origins"] == 0
    assert all(out[k] is None for k in METRIC_NAMES if k != "n_origins")


def test_nan_under_the_mask_does_not_spread() -> None:
    total = sums((0.1, 0.5, 0.9))
    observed = torch.tensor([1.0, float("nan")]).reshape(1, 1, 1, 1, 2)
    mask = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 1, 2)
    total.add([torch.zeros(1, 1, 1, 1, 2)] * 3, Observations(observed, mask, torch.tensor([0])))
    assert total.result()["mae"] == 1
    assert total.result()["wql"] is not None


def test_one_value_for_all_steps_and_an_offset_change_no_error() -> None:
    """A forecast that is the same at every step may come as one value; sMAPE sees true sizes."""
    observed = torch.tensor([1.0, 5.0, 3.0]).reshape(1, 1, 1, 1, 3)
    offset = torch.full((1, 1, 1, 1, 1), 2.0, dtype=torch.float64)
    short, full = sums(), sums()
    series, mask = torch.tensor([0]), torch.ones_like(observed)
    short.add([torch.full((1, 1, 1, 1, 1), 4.0)], Observations(observed, mask, series, offset))
    full.add([torch.full((1, 1, 1, 1, 3), 6.0)], Observations(observed + 2, mask, series))
    assert short.result() == pytest.approx(full.result())


def test_a_nan_forecast_under_the_mask_does_not_spread() -> None:
    total = sums()
    observed = torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 2, 1)
    mask = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2, 1)
    forecast = torch.tensor([3.0, float("nan")]).reshape(1, 1, 1, 2, 1)
    total.add([forecast], Observations(observed, mask, torch.tensor([0])))
    assert total.result()["mae"] == 2
    assert total.result()["smape"] == 100


def test_series_without_a_naive_error_are_counted_and_left_out_of_mase() -> None:
    ones = torch.ones(3, 1, 1, dtype=torch.float64)
    naive = torch.tensor([0.0, 2.0, 4.0]).double().reshape(3, 1, 1)
    total = MetricSums(SeriesScale(0 * ones, ones, naive, naive**2), (0.5,))
    observed, series = torch.full((2, 1, 1, 1, 1), 4.0), torch.tensor([0, 1])
    total.add([torch.zeros(2, 1, 1, 1, 1)], Observations(observed, observed > 0, series))
    assert total.mase_left_out == 1  # the first; nothing of the third was scored
    assert total.result()["mase"] == 2


def test_losses() -> None:
    error = torch.tensor([-2.0, 0.5])
    assert point_loss(error, "mae").tolist() == [2, 0.5]
    assert point_loss(error, "mse").tolist() == [4, 0.25]
    assert point_loss(error, "huber").tolist() == [1.5, 0.125]
    assert pinball(error, 0.9).tolist() == pytest.approx([0.2, 0.45])
    assert quantile_loss([error], [0.5]).tolist() == [2, 0.5]
    assert masked_mean(error, torch.tensor([0.0, 1.0])) == 0.5
    assert masked_mean(error, torch.zeros(2)) == 0
