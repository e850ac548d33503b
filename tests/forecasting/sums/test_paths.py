"""Sample paths: the forecast at every step, in an order that is that of the templates."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.helpers.panels import panel_of
from tests.helpers.sums import GRID, dependence_of, normal_forecast, normal_scores, shops
from tsconv.calibration.dependence import Dependence
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.sums.add import sample_quantiles
from tsconv.forecasting.sums.paths import SamplePaths, draw_samples, order_samples, sample_paths

HORIZON = 6


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of(shops((40, 30, 40, 35, 40)), id="shop", target="y")


@pytest.fixture(scope="module")
def dependence() -> Dependence:
    return dependence_of(normal_scores(500, 5, HORIZON, 0.8, 0.6))


def made(panel: Panel, dependence: Dependence | None, **how: object) -> SamplePaths:
    mean = torch.arange(5.0).view(5, 1, 1, 1, 1)
    forecast = normal_forecast(panel, HORIZON, std=2.0, mean=mean)
    return sample_paths(forecast, panel, GRID, dependence, panel.ids, **how)  # type: ignore[arg-type]


def all_of(paths: SamplePaths) -> Tensor:
    return torch.cat([values for _, values in paths.blocks()])[:, 0, 0]  # (S, h, n)


def test_the_samples_of_every_step_are_its_forecast(panel: Panel, dependence: Dependence) -> None:
    for some in (dependence, None):
        paths = made(panel, some)
        found = sample_quantiles(all_of(paths), GRID[1:-1])
        torch.testing.assert_close(
            found, paths.forecast.values[:, 0, 0, :, 1:-1], atol=0.004, rtol=0
        )
        ordered = all_of(paths).sort(-1).values
        torch.testing.assert_close(ordered[1], ordered[0] + 1)  # around another mean


def test_sums_have_the_spread_of_the_dependence(panel: Panel, dependence: Dependence) -> None:
    """Against the true deviation; independent or comonotone paths are far from it."""
    step = torch.arange(HORIZON, dtype=torch.float64)
    steps = (0.8 ** (step[:, None] - step).abs()).sum()
    series = 5 + 20 * 0.6
    true = {"steps": 2 * steps.sqrt(), "series": 2 * math.sqrt(series)}
    true["both"] = true["steps"] * math.sqrt(series)

    def spread(some: Dependence | None) -> dict[str, float]:
        parts = all_of(made(panel, some, n=1000))
        sums = {"steps": parts.sum(1), "series": parts.sum(0), "both": parts.sum((0, 1))}
        return {key: float(v.std(-1).mean() / true[key]) for key, v in sums.items()}

    assert all(abs(ratio - 1) < 0.06 for ratio in spread(dependence).values()), spread(dependence)
    assert all(ratio < 0.75 for ratio in spread(None).values())
    same = normal_scores(500, 1, 1, 0.0, 0.0).expand(500, 5, 1, 1, HORIZON)
    assert all(ratio > 1.1 for ratio in spread(dependence_of(same)).values())


def test_independent_templates_give_independent_paths(panel: Panel) -> None:
    found = all_of(made(panel, dependence_of(normal_scores(1000, 5, HORIZON, 0.0, 0.0)), n=1000))
    both = found.sum((0, 1)).std() / (2 * math.sqrt(5 * HORIZON))
    assert abs(float(both) - 1) < 0.08


def test_an_error_of_all_templates_is_no_middle(panel: Panel) -> None:
    """Where every template lies above its forecasts, errors come together: ranks would not know."""
    noise = normal_scores(50, 5, HORIZON, 0.0, 0.0)
    found = all_of(made(panel, dependence_of(noise * 0.5 + 1.0)))
    assert float(found.sum((0, 1)).std()) > 3 * 2 * math.sqrt(5 * HORIZON)


def test_few_templates_still_hold_steps_together(panel: Panel) -> None:
    for n in (1, 3):
        scores = normal_scores(n, 5, 1, 0.0, 0.0).expand(n, 5, 1, 1, HORIZON)
        steps = all_of(made(panel, dependence_of(scores)))
        assert float(steps.sum(1).std(-1).mean()) > 1.5 * 2 * math.sqrt(HORIZON)


def test_series_may_be_permuted(panel: Panel, dependence: Dependence) -> None:
    paths = made(panel, dependence)
    order = torch.tensor([3, 0, 4, 1, 2])
    forecast = dataclasses.replace(paths.forecast, values=paths.forecast.values[order])
    moved = dataclasses.replace(panel, ids=tuple(panel.ids[i] for i in order))
    again = sample_paths(forecast, moved, GRID, dependence, panel.ids)
    assert torch.equal(all_of(again), all_of(paths)[order])


def test_batches_and_other_series_change_nothing(
    panel: Panel, dependence: Dependence, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = made(panel, dependence)
    whole = all_of(paths)
    monkeypatch.setattr("tsconv.forecasting.sums.paths._VALUES_AT_ONCE", 1)
    assert len(list(paths.blocks())) == 5
    assert torch.equal(all_of(paths), whole)
    assert torch.equal(paths.of(torch.tensor([4, 1]))[:, 0, 0], whole[[4, 1]])


def test_a_seed_makes_the_paths(panel: Panel, dependence: Dependence) -> None:
    assert torch.equal(all_of(made(panel, dependence)), all_of(made(panel, dependence)))
    other = all_of(made(panel, dependence, seed=1))
    assert not torch.equal(other, all_of(made(panel, dependence)))
    assert torch.equal(other.sort(-1).values, all_of(made(panel, dependence)).sort(-1).values)


def test_fewer_steps_have_the_dependence_of_the_first(panel: Panel, dependence: Dependence) -> None:
    paths = made(panel, dependence, n=1000)
    short = sample_paths(paths.forecast.head(2), panel, GRID, dependence, panel.ids, n=1000)
    wanted = 2 * math.sqrt(2 + 2 * 0.8)
    assert abs(float(all_of(short).sum(1).std(-1).mean()) / wanted - 1) < 0.05
    longer = normal_forecast(panel, HORIZON + 1)
    with pytest.raises(ValueError, match="7"):
        sample_paths(longer, panel, GRID, dependence, panel.ids)


def test_whole_numbers_and_bounds_hold_for_every_sample(panel: Panel) -> None:
    seen = []

    def limit(values: Tensor, series: Tensor) -> Tensor:
        seen.append(series)
        return values.clamp_min(0)

    found = all_of(made(panel, None, whole=True, limit=limit))
    assert torch.equal(found, found.round())
    assert float(found.min()) == 0
    assert torch.equal(torch.cat(seen), torch.arange(5))
    plain = all_of(made(panel, None))
    assert torch.equal(found, torch.ceil(plain - 0.5).clamp_min(0))


def test_rows_find_their_templates_by_name() -> None:
    scores = torch.randn(400, 1, 1, 2, 1, dtype=torch.float64)
    scores[:, :, :, 1] = scores[:, :, :, 0]  # the two rows of the training move together
    frame = shops((20, 20)).assign(series="a")
    panel = panel_of(frame, id="series", row="shop", target="y")
    forecast = normal_forecast(panel, 1)
    paths = sample_paths(forecast, panel, GRID, dependence_of(scores), ["a"], ["1", "0"], n=400)
    found = paths.of(torch.tensor([0]))[0, 0, :, 0].numpy()
    assert np.corrcoef(found)[0, 1] > 0.97
    assert paths.rows is not None
    assert paths.rows.tolist() == [1, 0]


def test_templates_are_drawn_evenly(dependence: Dependence) -> None:
    some = dataclasses.replace(dependence, pit=dependence.pit[:7], span=6)
    draw = draw_samples(some, 200, seed=3)
    times = torch.bincount(draw.template, minlength=7)
    assert int(times.max() - times.min()) <= 1
    assert int(draw.mirrored.sum()) == 100
    assert int((draw.further > 0).sum()) == round(200 * some.donor_share)
    assert int(draw.further.max()) <= 4
    many = draw_samples(dependence, 100, seed=3)
    assert len(set(many.template.tolist())) == 100


def test_equal_keys_are_ordered_by_their_place() -> None:
    levels = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    assert order_samples(levels, (0.25, 0.75), torch.zeros(1, 2)).tolist() == [[0.0, 1.0]]
