"""Statistical models at some origins, against forecasts and errors that are reckoned one by one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.backtests import (
    QUANTILES,
    Collected,
    backtest,
    bundle_of,
    grouped_bundle,
    grouped_frame,
    shops,
)
from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.runs import run
from tsconv.backtest.backtest import Backtest, scale_ends
from tsconv.backtest.origins import choose_origins
from tsconv.backtest.run import run_backtest
from tsconv.backtest.statistical.models import filled
from tsconv.backtest.statistical.scores import StatisticalScores
from tsconv.backtest.summary import summary_text
from tsconv.config.compose import backtest_config
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError
from tsconv.evaluation.scoring import training_scale
from tsconv.evaluation.significance import compare, overlap_of
from tsconv.forecasting.bundles.bundle import Bundle

HORIZON = 5
MODELS = {
    "auto_ets": lambda past, horizon: np.full(horizon, past[-3:].mean()),
    "auto_theta": lambda past, horizon: past[-1] + np.arange(1, horizon + 1) * 0.1,
}


def scored(
    bundle: Bundle, panel: Panel, every: int, seen: int, stride: int = 1
) -> tuple[StatisticalScores, Collected, Backtest]:
    steps = panel.lengths.clamp_max(seen)
    context = bundle.net.spec.context_length
    origins = choose_origins(panel, context, HORIZON, seen_steps=steps, stride=stride)
    scale = training_scale(panel, steps, bundle.season)
    statistical = StatisticalScores(
        panel, origins.held_out, every, HORIZON, 7, scale, bundle.net.quantiles, MODELS, "naive"
    )
    collected = Collected()
    found = backtest(bundle, panel, seen, observers=(collected, statistical), stride=stride)
    assert scale_ends(found.bundle, panel, origins).tolist() == steps.tolist()
    return statistical, collected, found


def one_by_one(
    statistical: StatisticalScores, collected: Collected, panel: Panel, seen: int
) -> list[tuple[int, Any, dict[str, np.ndarray]]]:
    """For each origin that is fitted: its date, its place, and the errors of each forecaster."""
    later = statistical.later.tolist()
    first = statistical.anchor
    out = []
    for (s, c, h, t), ours in collected.forecasts.items():
        date = later[s] + t
        if t < min(seen, int(panel.lengths[s])) - 1 or (date - first) % statistical.stride:
            continue
        series = panel.series(s)[:, c, h].numpy()
        ahead = series[t + 1 : t + 1 + HORIZON]
        known = ~np.isnan(ahead)
        if not known.any():
            continue
        past = filled(series[: t + 1])[-statistical.history :]
        errors = {"tsconv": ours[: len(ahead), list(QUANTILES).index(0.5)] - ahead}
        errors |= {key: model(past, HORIZON) - ahead for key, model in MODELS.items()}
        seen_values = series[: t + 1]
        errors["naive"] = seen_values[~np.isnan(seen_values)][-1] - ahead
        out.append((date, (s, c, h), {k: v[known] for k, v in errors.items()}))
    return out


@pytest.mark.parametrize(
    ("grouped", "every", "stride"), [(False, 3, 1), (True, 4, 1), (False, 2, 3)]
)
def test_figures_are_those_of_each_origin_alone(grouped: bool, every: int, stride: int) -> None:
    if grouped:
        bundle, panel = grouped_bundle(grouped_frame())
    else:
        panel = shops(3, 90)
        bundle = bundle_of(random_net(quantiles=QUANTILES), panel)
    statistical, collected, _ = scored(bundle, panel, every, 40, stride)
    expected = one_by_one(statistical, collected, panel, 40)
    figures = statistical.figures()
    assert figures["stride"] == every * stride
    assert figures["n_origins"] == len(expected) > 10
    assert statistical.done == len(expected) <= statistical.total
    for key in ("tsconv", *MODELS, "naive"):
        errors = np.concatenate([e[key] for _, _, e in expected])
        found = figures["tsconv"] if key == "tsconv" else figures["baselines"][key]
        assert found["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-9), key
        assert found["bias"] == pytest.approx(errors.mean(), rel=1e-6, abs=1e-9), key
        assert found["n_origins"] == len(expected)


def test_the_test_of_chance_is_that_of_the_dates() -> None:
    panel = shops(3, 700)
    bundle = bundle_of(random_net(quantiles=QUANTILES), panel)
    statistical, collected, found = scored(bundle, panel, 3, 40)
    expected = one_by_one(statistical, collected, panel, 40)
    std = found.scale.std.numpy()
    by_date: dict[int, list[float]] = {}
    for date, place, errors in expected:
        further = np.abs(errors["tsconv"]).mean() - np.abs(errors["auto_ets"]).mean()
        by_date.setdefault(date, []).append(further / std[place])
    dates = range(statistical.anchor, max(by_date) + 1, 3)
    mean = [np.mean(by_date[d]) if d in by_date else np.nan for d in dates]
    weights = [len(by_date.get(d, [])) for d in dates]
    alone = compare(mean, overlap_of(HORIZON, 3), weights)
    assert alone is not None
    chance = statistical.figures()["chance"]["auto_ets"]
    assert chance["p_value"] == pytest.approx(alone.p_value, rel=1e-9)
    assert chance["n_dates"] == alone.n


def test_nothing_after_an_origin_reaches_a_model() -> None:
    panel = shops(1, 60)
    lengths: list[int] = []

    def watching(past: np.ndarray, horizon: int) -> np.ndarray:
        lengths.append(len(past))
        assert past[-1] == filled(panel.series(0)[: len(past), 0, 0].numpy())[-1]
        return np.full(horizon, past[-1])

    bundle = bundle_of(random_net(), panel)
    origins = choose_origins(panel, bundle.net.spec.context_length, HORIZON)
    scale = training_scale(panel, panel.lengths, 7)
    statistical = StatisticalScores(
        panel, origins.every, 5, HORIZON, 7, scale, bundle.net.quantiles, {"m": watching}
    )
    backtest(bundle, panel, observers=(statistical,))
    first, last = int(origins.every.first), int(origins.every.last)
    assert lengths == list(range(first + 1, last + 2, 5))
    assert statistical.figures()["refused"] == {"m": 0}


def test_the_command_writes_a_section_and_prints_its_rows(tmp_path: Path) -> None:
    pytest.importorskip("statsforecast")
    frame = daily_frame(2, 120)
    sizes = {"split.val_size": 14, "split.test_size": 30, "trainer.max_steps": 5}
    folder = run(tmp_path, frame, **sizes).run_dir
    frame.to_csv(tmp_path / "sales.csv", index=False)
    overrides = [
        f"bundle={folder}", f"data.path={tmp_path / 'sales.csv'}", f"run_dir={tmp_path / 'out'}",
        "plots=false", "backtest.statistical_stride=8",
    ]  # fmt: skip
    said: list[str] = []
    result = run_backtest(backtest_config(overrides), notify=said.append).result
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())["statistical"]
    assert found["stride"] == 8
    assert found["n_origins"] == 6  # of 24 held out of each
    assert set(found["baselines"]) == {"auto_ets", "auto_theta", result.metrics["rival"]}
    assert found["chance"] == {"auto_ets": None, "auto_theta": None}
    assert said[0].startswith("AutoETS and AutoTheta at every 8 steps: 6 fits of each, ")
    text = summary_text(result.metrics)
    assert "6 origins, every 8 steps" in text
    assert "AutoTheta" in text
    other = f"run_dir={tmp_path / 'other'}"
    with pytest.raises(ConfigError, match=r"backtest\.statistical_stride` \(=0\)"):
        run_backtest(backtest_config([*overrides, other, "backtest.statistical_stride=0"]))
