"""What a Forecaster shows of itself."""

import dataclasses

import torch

from tsconv.config.schema import DataConfig
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.summary import as_html, as_text, facts, headline, metrics_of

SCORES = {"mae": 0.30004, "mase": 0.8, "coverage_80": 0.79}


def bundle(**info: object) -> Bundle:
    torch.manual_seed(0)
    net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2, n_past=1))
    return Bundle(net, DataConfig(), "D", 7, {"series": 1200, **info}, ("sold", "rain"), ("a", "b"))


def test_the_summary_names_what_was_trained_and_how_well() -> None:
    naive = {"mae": 0.5, "mase": None, "coverage_80": None}
    test = {**SCORES, "baselines": {"seasonal_naive": naive}}
    found = facts(bundle(), {"test": test}, None)
    assert found == {
        "targets": "sold",
        "frequency": "D, season of 7 steps",
        "series": "1,200",
        "rows": "2 (a, b)",
        "test": "MAE 0.3, MASE 0.8, 79% within the 80% interval",
        "seasonal naive, 7 steps": "MAE 0.5",
    }
    assert len(as_text(headline({}, bundle()), found).splitlines()) == 7


def test_several_networks_are_counted() -> None:
    one = bundle()
    assert isinstance(one.net, ForecastNet)
    both = dataclasses.replace(one, net=EnsembleNet([one.net, bundle().net]))  # type: ignore[list-item]
    assert facts(both, {}, None)["networks"] == "2, their quantiles averaged"
    assert "networks" not in facts(one, {}, None)


def test_the_rival_is_the_baseline_that_the_metrics_name() -> None:
    baselines = {"seasonal_naive": {"mae": 0.5}, "drift": {"mae": 0.4}}
    info = {
        "test": {**SCORES, "baselines": baselines},
        "rival": "drift",
        "baseline_steps": {"seasonal_naive": 7, "drift": 28},
    }
    trained = bundle(**info)
    assert metrics_of(trained) == info
    found = facts(trained, metrics_of(trained), None)
    assert found["drift, 28 steps"] == "MAE 0.4"
    assert not [label for label in found if label.startswith("seasonal naive")]


def test_a_bundle_without_a_test_part_says_so() -> None:
    trained = bundle(val=SCORES, test=None, seed=0)
    metrics = metrics_of(trained)
    assert metrics == {"val": SCORES, "test": None}
    assert facts(trained, metrics, None)["test"] == "nothing was held out to score"
    assert "test" not in facts(bundle(), metrics_of(bundle()), None)  # a bundle of an early version


def test_settings_are_shown_and_long_ones_cut() -> None:
    many = headline({"data.target": [f"column {i}" for i in range(100)]}, bundle())
    assert many.startswith("Forecaster(horizon=3, data.target=['column 0', 'column 1',")
    assert len(many) < 130


def test_html_shows_names_as_they_are() -> None:
    text = as_html("Forecaster(data.id='<script>')", {"<i>": "a & b"})
    assert "<script>" not in text
    assert "<i>" not in text
    assert "&lt;i&gt;" in text
    assert "a &amp; b" in text
