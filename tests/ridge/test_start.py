"""A network that was started so forecasts what the solution says; odd panels do no harm."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.panels import panel_of
from tests.helpers.windows import holed_panel, net_for, windows_by_loop
from tsconv.data.batches.chunks import gather
from tsconv.data.batches.split import Split, split_panel
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.scoring import training_scale
from tsconv.model.network import ForecastNet
from tsconv.ridge.residuals import weighted_quantiles
from tsconv.ridge.start import LinearSolver
from tsconv.training.step.dense_loss import dense_errors

HORIZON = 3


def solver_of(panel: Panel, val_size: int = 9) -> tuple[LinearSolver, Split]:
    split = split_panel(panel, HORIZON, val_size, 0)
    std = training_scale(panel, split.train_end, 1).std
    return LinearSolver(panel, split, torch.where(std > 0, 1 / std, 0)), split


def squared_error(net: ForecastNet, panel: Panel, split: Split, inv_scale: torch.Tensor) -> float:
    """The scaled squared error of the centre at every validation origin, by the training's loss."""
    point = dataclasses.replace(net.spec, quantiles=None)
    centre = ForecastNet(point).double().eval()
    kept = centre.state_dict()
    kept.update({k: v for k, v in net.double().state_dict().items() if not k.startswith("head")})
    centre.load_state_dict(kept)
    total = count = 0.0
    assert split.val is not None
    n = int(split.val.spans.max())
    series = torch.arange(len(panel))
    batch = gather(
        panel, split.val, series, split.val.first, n, net.history, HORIZON, torch.float64
    )
    with torch.no_grad():
        errors = dense_errors(centre, batch, inv_scale, "series")
    total += float((errors.levels[0].square() * errors.weight).sum())
    count += float(errors.weight.sum())
    return total / count


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        (1, {}),
        (1, {"channels": "mixed"}),
        (1, {"maps": "separate", "n_series": 2}),
        (1, {"maps": "pooled", "n_series": 2, "channels": "mixed"}),
        (1, {"series": "pooled", "n_series": 2, "channels": "mixed"}),
        (1, {"series": "separate", "n_series": 2}),
        (3, {"rows": "separate", "n_rows": 3}),
        (3, {"rows": "pooled", "n_rows": 3, "channels": "mixed"}),
        (3, {"maps": "shared", "rows": "pooled", "n_rows": 3}),
        (3, {"maps": "pooled", "n_rows": 3}),
    ],
)
def test_a_started_network_forecasts_what_the_solution_says(
    rows: int, settings: dict[str, object]
) -> None:
    """Its loss is that of the solved maps, window by window."""
    panel = holed_panel(rows=rows, targets=2)
    solver, split = solver_of(panel)
    net = net_for(panel, **settings)
    before = squared_error(net, panel, split, solver.inv_scale)
    assert solver.start(net) is not None
    (solution,) = (found.solution for found in solver._started.values())
    total, count = 0.0, 0
    assert split.val is not None
    for w in windows_by_loop(panel, split.val, 8, HORIZON, solver.inv_scale):
        series, c, h = w.place
        maps = (
            solution.shared[0] if solution.own is None else solution.own[series if rows == 1 else h]
        )
        error = w.r - w.u @ maps[c if len(maps) > 1 else 0]
        total += float(error[w.seen].square().sum())
        count += int(w.seen.sum())
    after = squared_error(net, panel, split, solver.inv_scale)
    assert after == pytest.approx(total / count, rel=1e-5)  # weights are float32
    assert after < before


def test_quantiles_are_those_of_the_residuals() -> None:
    panel = holed_panel((400,), missing=0)
    solver, split = solver_of(panel, val_size=60)
    net = net_for(panel)
    solver.start(net)
    batch = gather(panel, split.train, torch.tensor([0]), torch.tensor([8]), 300, 7, HORIZON)
    with torch.no_grad():
        errors = dense_errors(net, batch, solver.inv_scale, "series")
    for level, error in zip(net.quantiles, errors.levels, strict=True):
        assert float((error <= 0).float().mean()) == pytest.approx(level, abs=0.06)


def bent_panel(skew: bool) -> Panel:
    """Noise with a long tail above, or a level that rises for 400 steps and falls for 100."""
    rng, steps = np.random.default_rng(0), np.arange(500)
    y = rng.exponential(size=500) ** 2 if skew else rng.normal(size=500) - abs(steps - 400) / 10
    days = pd.date_range("2023-01-01", periods=500, freq="D")
    return panel_of(pd.DataFrame({"unique_id": "a", "ds": days, "y": y}), "D")


def test_a_median_of_errors_stays_where_it_helps_later() -> None:
    for skew in (True, False):
        panel = bent_panel(skew)
        solver, _ = solver_of(panel, val_size=100)
        net = net_for(panel)
        solver.start(net)
        middle = net.head.project.get_parameter("bias").view(3, -1)[1]
        assert bool((middle < -0.05).all()) == skew
        assert skew or torch.equal(middle, torch.zeros_like(middle))


def test_weighted_quantiles_are_the_loop_s() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 50, 3, generator=generator)
    weights = torch.rand(2, 50, 3, generator=generator) * (values > -1)
    found = weighted_quantiles(values, weights, (0.1, 0.5, 0.9))
    for c in range(2):
        for j in range(3):
            order = values[c, :, j].argsort()
            total, running = weights[c, :, j].sum(), 0.0
            wanted = []
            for i in order:
                running += float(weights[c, i, j])
                while len(wanted) < 3 and running >= (0.1, 0.5, 0.9)[len(wanted)] * total:
                    wanted.append(values[c, i, j])
            assert torch.equal(found[:, c, j], torch.stack(wanted))


def odd_panel(kind: str) -> Panel:
    rng = np.random.default_rng(0)
    n = 5 if kind == "short" else 40
    y = rng.normal(size=n)
    if kind == "constant":
        y = np.full(n, 4.0)
    if kind == "huge":
        y = 1e9 + y
    if kind == "tiny":
        y = 1e-9 * y
    frame = pd.DataFrame({"unique_id": "a", "ds": range(n), "y": y})
    other = pd.DataFrame({"unique_id": "b", "ds": range(2), "y": [1.0, 2.0]})
    if kind == "missing":
        other = pd.DataFrame({"unique_id": "b", "ds": range(40), "y": [1.0] + [np.nan] * 39})
    if kind in ("two_steps", "missing"):
        frame = pd.concat([frame, other])
    return panel_of(frame)


@pytest.mark.parametrize(
    "kind", ["short", "constant", "huge", "tiny", "two_steps", "missing", "no_validation"]
)
@pytest.mark.parametrize("scale", ["series", "origin"])
@pytest.mark.parametrize("maps", [None, "pooled", "separate"])
def test_odd_series_give_finite_weights(kind: str, scale: str, maps: str | None) -> None:
    panel = odd_panel(kind)
    solver, _ = solver_of(panel, 0 if kind in ("no_validation", "short") else 6)
    by = {} if maps is None else {"maps": maps, "n_series": len(panel)}
    net = net_for(panel, **by)
    choice = solver.start(net, scale)
    assert choice is not None
    assert all(bool(p.isfinite().all()) for p in net.parameters())
    x = torch.zeros(len(panel), 1, 20)
    out = net(x, torch.ones_like(x))
    assert bool(out.values().isfinite().all())


def test_levels_and_units_do_not_matter() -> None:
    """A series times a factor and raised by a level has the same maps."""
    frame = pd.DataFrame(
        {"unique_id": "a", "ds": range(80), "y": np.random.default_rng(0).normal(size=80).cumsum()}
    )
    maps = []
    for factor, level in ((1.0, 0.0), (2.0**-30, 0.0), (2.0**10, 1e6)):
        panel = panel_of(frame.assign(y=factor * frame["y"] + level))
        net = net_for(panel)
        solver_of(panel)[0].start(net)
        assert net.linear is not None
        maps.append(net.linear.weight.detach())
    assert torch.allclose(maps[0], maps[1], atol=1e-6)
    assert torch.allclose(maps[0], maps[2], atol=1e-4)


def test_like_branches_are_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = holed_panel()
    solver, _ = solver_of(panel)
    one, other = net_for(panel), net_for(panel)
    solver.start(one)
    monkeypatch.setattr("tsconv.ridge.start.solve", lambda *a: pytest.fail("solved again"))
    solver.start(other)
    assert all(torch.equal(v, other.state_dict()[k]) for k, v in one.state_dict().items())
