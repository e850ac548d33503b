"""Trainings with heads of distributions: from a file of counts to forecasts from the bundle."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.runs import run
from tsconv.config.compose import train_config
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import prepare_forecast
from tsconv.model.ensemble import EnsembleNet
from tsconv.training.prepare import check_config, prepare

HEADS = [
    "normal",
    "student_t",
    "poisson",
    "negative_binomial",
    "zero_inflated_poisson",
    "zero_inflated_negative_binomial",
]
TINY = {
    "context_length": 14,
    "trainer__max_steps": 4,
    "model__hidden": 4,
    "model__levels": 2,
    "data__origins_per_chunk": 32,
    "data__chunks_per_batch": 4,
}


def count_frame(n_series: int = 3, length: int = 90) -> pd.DataFrame:
    """Daily sales: some often none, some many, one whose second half is 0."""
    rng = np.random.default_rng(0)
    parts = []
    for s in range(n_series):
        rate = 0.4 * 8**s * (1 + 0.5 * np.sin(2 * np.pi * np.arange(length) / 7))
        y = rng.negative_binomial(2, 2 / (2 + rate))
        if s == 0:
            y[length // 2 :] = 0
        ds = pd.date_range("2024-01-01", periods=length)
        parts.append(pd.DataFrame({"unique_id": f"item {s}", "ds": ds, "y": y.astype(float)}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("head", HEADS)
def test_a_training_and_a_forecast_from_its_bundle(head: str, tmp_path: Path) -> None:
    result = run(tmp_path, count_frame(), head=head, **TINY)
    stored = load_bundle(result.run_dir / "bundle")
    assert stored.net.spec == result.bundle.net.spec
    assert stored.net.has_distribution
    assert stored.net.spec.zero_inflated == head.startswith("zero_inflated")
    assert result.metrics["test"]["mae"] < 20
    table = table_from_frame(count_frame(), stored.data)
    panel, origins = prepare_forecast(stored, table)
    assert (panel.offset == 0).all() == stored.net.whole
    values = forecast_panel(stored.net, panel, origins=origins).values
    assert values.shape == (3, 1, 1, 7, 9)
    assert values.isfinite().all()
    if stored.net.whole:
        assert (values >= -0.5).all()
        assert values[0].mean() < values[2].mean()
    mixed = EnsembleNet([stored.net, result.bundle.net]).eval()
    assert forecast_panel(mixed, panel).values.isfinite().all()


@pytest.mark.parametrize("head", ["student_t", "zero_inflated_negative_binomial"])
def test_the_linear_branch_alone_is_solved_with_any_head(head: str, tmp_path: Path) -> None:
    result = run(tmp_path, count_frame(), head=head, model="linear", context_length=14)
    assert 0.4 < result.metrics["test"]["coverage_80"] <= 1


def test_a_likelihood_falls_in_training(tmp_path: Path) -> None:
    """From the start of the head on: what is trained on is what is validated."""
    losses = []
    for steps in (1, 60):
        more = {**TINY, "trainer__max_steps": steps, "trainer__val_check_interval": steps}
        folder = tmp_path / str(steps)
        run(tmp_path, count_frame(), head="negative_binomial", logger="csv", run_dir=folder, **more)
        rows = pd.concat(pd.read_csv(p) for p in folder.rglob("metrics.csv"))
        losses.append(float(rows["val_loss"].dropna().iloc[-1]))
    assert losses[1] < losses[0] - 0.01


@pytest.mark.parametrize(("value", "fault"), [(-1.0, "-1 is negative"), (2.5, "2.5 is no whole")])
def test_what_is_no_count_is_refused_before_anything_runs(value: float, fault: str) -> None:
    frame = count_frame()
    frame.loc[100, "y"] = value
    config = train_config(["horizon=7", "head=poisson", "context_length=14"])
    table = table_from_frame(frame, config.data)
    with pytest.raises(DataError, match=fault) as caught:
        prepare(config, build_panel(table))
    text = str(caught.value)
    assert "series `item 1`, `y` at 2024-01-11" in text
    assert "head=quantile" in text
    assert "\n" not in text


def test_a_bundle_of_counts_refuses_other_data() -> None:
    config = train_config(["horizon=7", "head=poisson", "context_length=14", "model.hidden=4"])
    prepared = prepare(config, build_panel(table_from_frame(count_frame(), config.data)))
    assert (prepared.panel.offset == 0).all()
    bundle = Bundle(prepared.net.eval(), config.data, "D", 7, {}, channels=("y",))
    frame = count_frame()
    frame["y"] = frame["y"] * 0.5 + 0.25
    with pytest.raises(DataError, match=r"is no whole number \(\d+ such values\)"):
        prepare_forecast(bundle, table_from_frame(frame, config.data))


def test_heads_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`head.zero_inflated` \(=True\) is for counts"):
        check_config(train_config(["horizon=7", "head=normal", "head.zero_inflated=true"]))
    with pytest.raises(ConfigError, match="`quantiles`"):
        check_config(train_config(["horizon=7", "head=normal", "head.quantiles=[0.1,0.9]"]))
    short = train_config(["horizon=7", "head=zero_inflated_poisson"]).head
    long = train_config(["horizon=7", "head=poisson", "head.zero_inflated=true"]).head
    assert short == long


def test_values_of_other_heads_keep_their_offset() -> None:
    config = train_config(["horizon=7", "head=normal", "context_length=14", "model.hidden=4"])
    prepared = prepare(config, build_panel(table_from_frame(count_frame(), config.data)))
    first = count_frame().groupby("unique_id")["y"].first().tolist()
    assert prepared.panel.offset.flatten().tolist() == first
