"""Direct effects of what is known ahead: found, in the right units, and only where they help."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.panels import panel_of
from tsconv.data.batches.chunks import gather
from tsconv.data.batches.split import Split, split_panel
from tsconv.data.covariates.encode import covariate_sizes, encode, fit_encodings
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.scoring import training_scale
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.ridge.effects import KnownAhead, put_effects_into, solve_effects
from tsconv.ridge.start import LinearSolver

HORIZON, CONTEXT = 3, 14


def promoted(effect: float, rows: int = 1) -> tuple[Panel, Split, ForecastNet]:
    """Weekly waves of two series of unlike size, raised by a promotion on random days."""
    rng = np.random.default_rng(0)
    parts = []
    for i in range(2):
        for h in range(rows):
            n, unit = 300, 10.0 ** (2 * i)
            promo = (rng.random(n) < 0.2).astype(float)
            wave = np.sin(2 * np.pi * np.arange(n) / 7 + h)
            y = unit * (50 + wave + rng.normal(size=n) + effect * promo)
            days = pd.date_range("2024-01-01", periods=n, freq="D")
            parts.append(
                pd.DataFrame({"unique_id": f"s{i}", "ds": days, "y": y, "promo": promo}).assign(
                    **({} if rows == 1 else {"place": f"p{h}"})
                )
            )
    roles: dict[str, object] = {"future_covariates": ["promo"]}
    if rows > 1:
        roles["row"] = "place"
    panel = panel_of(pd.concat(parts), "D", **roles)
    split = split_panel(panel, HORIZON, 60, 0)
    encodings = fit_encodings(panel, split.train_end)
    torch.manual_seed(0)
    more = {} if rows == 1 else {"rows": "pooled", "n_rows": rows}
    spec = NetSpec(
        horizon=HORIZON,
        context_length=CONTEXT,
        seasonal_lags=(7,),
        quantiles=(0.1, 0.5, 0.9),
        hidden=2,
        levels=1,
        stack=False,
        **covariate_sizes(encodings),
        **more,
    )
    return encode(panel, encodings), split, ForecastNet(spec).eval()


def solver_of(panel: Panel, split: Split) -> LinearSolver:
    std = training_scale(panel, split.train_end, 7).std
    return LinearSolver(panel, split, torch.where(std > 0, 1 / std, 0))


def jump(net: ForecastNet, panel: Panel, series: int) -> torch.Tensor:
    """What a promotion at the first step ahead adds to its forecast, by origin and row."""
    split = split_panel(panel, HORIZON, 60, 0)
    assert split.val is not None
    at = torch.tensor([series])
    batch = gather(panel, split.val, at, split.val.first[at], 40, net.history, HORIZON)
    assert batch.covariates is not None
    forecasts = []
    values = batch.covariates.values
    low, high = float(values.min()), float(values.max())
    for value in (low, high):
        changed = values.clone()
        changed[..., -HORIZON] = value
        with torch.no_grad():
            out = net(batch.x, batch.mask, 1, None, batch.covariates._replace(values=changed))
        level = out.levels[1] * out.sigma.unsqueeze(-1)
        forecasts.append(level[..., 0, 0].flatten())
    return forecasts[1] - forecasts[0]


@pytest.mark.parametrize("rows", [1, 2])
def test_an_effect_is_found_in_the_units_of_each_series(rows: int) -> None:
    panel, split, net = promoted(4.0, rows)
    solver = solver_of(panel, split)
    choice = solver.start(net)
    assert choice is not None
    for series, unit in ((0, 1.0), (1, 100.0)):
        found = jump(net, panel, series) / unit
        assert found.shape == (rows,)
        assert ((found > 2.8) & (found < 5.2)).all(), found
    plain, _, other = promoted(4.0, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsconv.ridge.start.solve_effects", lambda *a: None)
        without = solver_of(plain, split).start(other)
    assert without is not None
    assert choice.loss is not None
    assert without.loss is not None
    assert choice.loss < 0.6 * without.loss


def test_what_moves_nothing_has_no_effect() -> None:
    panel, split, net = promoted(0.0)
    solver_of(panel, split).start(net)
    assert net.covariates is not None
    assert net.covariates.effect is not None
    assert float(jump(net, panel, 0).abs().max()) < 0.4


def test_without_a_validation_part_there_is_no_effect() -> None:
    panel, _, net = promoted(4.0)
    split = split_panel(panel, HORIZON, 0, 0)
    solver_of(panel, split).start(net)
    assert net.covariates is not None
    assert net.covariates.effect is not None
    assert not net.covariates.effect.direct.weight.any()


def test_the_branch_sees_what_the_network_s_own_effects_leave() -> None:
    """`explain` is what the started network computes at the same origins."""
    panel, split, net = promoted(4.0)
    assert split.val is not None
    known = KnownAhead(net)
    inv_scale = 1 / training_scale(panel, split.train_end, 7).std
    effects = solve_effects(known, panel, split.train, split.val, inv_scale, 7)
    assert effects is not None
    put_effects_into(net, effects)
    series = torch.arange(2)
    batch = gather(
        panel, split.val, series, split.val.first, 20, CONTEXT - 1, HORIZON, torch.float64
    )
    found = known.explain(effects, batch)
    net = net.double()
    assert net.covariates is not None
    assert batch.covariates is not None
    features = net.covariates.features(batch.covariates, 0)
    mask = batch.mask.permute(2, 1, 0, 3)
    state = torch.zeros(1, 2, 20, net.spec.hidden).double()
    with torch.no_grad():
        own = net.covariates.effects(features, mask, state, None)
    assert own is not None
    for ours, theirs in zip(found, own, strict=False):
        assert torch.allclose(ours, theirs.transpose(0, 2), atol=1e-5)
    assert float(found.shift.abs().max()) > 0.5


def test_networks_with_other_features_are_solved_apart() -> None:
    panel, split, net = promoted(4.0)
    solver = solver_of(panel, split)
    solver.start(net)
    torch.manual_seed(5)  # the encoder's hidden layer is drawn
    other = ForecastNet(net.spec)
    solver.start(other)
    assert net.covariates is not None
    assert other.covariates is not None
    assert net.covariates.effect is not None
    assert other.covariates.effect is not None
    one, two = net.covariates.effect.direct.weight, other.covariates.effect.direct.weight
    assert not torch.equal(one, two)
    assert len(solver._started) == 2


def test_long_data_are_solved_in_float32_with_effects_too(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, split, net = promoted(5.0)
    solver_of(panel, split).start(net)
    monkeypatch.setattr("tsconv.ridge.gram._MOST_IN_FLOAT64", 0.0)
    other = promoted(5.0)[2]
    solver_of(panel, split).start(other)
    assert net.linear is not None
    assert other.linear is not None
    assert torch.allclose(net.linear.weight, other.linear.weight, atol=1e-3)
