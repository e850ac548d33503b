"""The benchmark of the default training: its panels, its cases, its comparisons and its table."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.paths import ROOT

# The script imports its modules from where it stands, as Python does when it runs one.
sys.path.insert(0, str(ROOT / "scripts" / "benchmarks"))

import defaults
from default_training import scores, statistical, table
from default_training.cases import Case, all_cases, pick_cases, split_absent
from default_training.made_up_panels import PANELS, made_up_panel
from default_training.published import best_published

from tests.helpers.networks import random_net
from tests.helpers.panels import panel_of
from tsconv.config.compose import train_config
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import split_panel
from tsconv.evaluation.rivals import Baseline
from tsconv.evaluation.scoring import evaluate, training_scale
from tsconv.training.panel_cache import PanelCache

TINY = ("trainer.max_steps=1", "compile=false", "precision=float32", "model.hidden=4",
        "model.levels=1", "data.chunks_per_batch=1")  # fmt: skip


@pytest.mark.parametrize("name", PANELS)
def test_a_made_up_panel_is_the_same_each_time_and_long_enough(name: str) -> None:
    frame = made_up_panel(name)
    pd.testing.assert_frame_equal(frame, made_up_panel(name))
    assert not frame.equals(made_up_panel(name, seed=1))
    assert frame.groupby("unique_id").size().min() >= 4 * PANELS[name].horizon
    assert frame["y"].isna().any() == (name == "missing_values")


def test_made_up_panels_have_the_traits_that_they_are_named_for() -> None:
    counts = made_up_panel("intermittent_counts")["y"]
    assert (counts == 0).mean() > 0.5
    assert (counts % 1 == 0).all()
    assert made_up_panel("short_series").groupby("unique_id").size().nunique() > 10
    spreads = made_up_panel("unlike_scales").groupby("unique_id")["y"].std()
    assert spreads.max() > 1e6 * spreads.min()
    assert made_up_panel("season_of_integers")["ds"].max() == 600
    assert 0.15 < made_up_panel("missing_values")["y"].isna().mean() < 0.35


def test_every_case_has_keys_that_exist_and_a_split_where_the_literature_fixes_one() -> None:
    cases = all_cases(Path("folder"))
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        if case.name.endswith(("_192", "_336", "_720")):
            continue  # as _96, which is composed
        config = train_config(case.overrides)
        assert config.horizon > 0
        if case.name.startswith("ett"):
            sizes = (config.split.train_size, config.split.val_size, config.split.test_size)
            assert sizes == ((8640, 2880, 2880) if case.name[3] == "h" else (34560, 11520, 11520))


def test_cases_are_picked_by_name_and_by_group_and_absent_ones_set_aside(tmp_path: Path) -> None:
    picked = pick_cases(all_cases(tmp_path), "etth1,load,ettm1_720")
    assert [case.name for case in picked] == [
        "load", "etth1_96", "etth1_192", "etth1_336", "etth1_720", "ettm1_720"
    ]  # fmt: skip
    here, absent = split_absent(picked)
    assert [case.name for case in here] == ["load"]
    assert absent == [str(tmp_path / "ett" / name) for name in ("ETTh1.csv", "ETTm1.csv")]
    with pytest.raises(ValueError, match="no case or group is called `etth3`"):
        pick_cases(picked, "etth3")


def test_the_best_published_dropped_no_window(tmp_path: Path) -> None:
    (tmp_path / "longterm.csv").write_text(
        "model,dataset,horizon,lookback,mse,mae,source\n"
        "A,ETTh1,96,336,.30,.30,test drop_last=True\n"
        "B,ETTh1,96,336,.36,.38,README; drop_last=False\n"
        "C,ETTh1,96,336,.35,,NO drop_last\n"
        "D,ETTh1,192,336,.10,.10,NO drop_last\n"
    )
    best = best_published(tmp_path, "ETTh1", 96)
    assert best == {"scaled_mse": 0.35, "scaled_mae": 0.38}
    assert best_published(tmp_path, "M4 Hourly", 48) == {}


def test_sampled_origins_are_spread_over_series_and_phases() -> None:
    lengths = torch.full((50,), 240)
    part = OriginRange(lengths - 100, lengths - 13, lengths)
    sampled = statistical.sample_origins(part, members=2, fits=96, season=12)
    taken = torch.nonzero(sampled.counts > 0).flatten()
    assert len(taken) == 12  # 48 pairs, four of each
    assert int(taken.diff().max()) <= 5
    assert int(sampled.counts.sum()) <= 48
    assert sampled.stride == 23  # 22 would meet every other month alone


def test_a_model_is_scored_as_the_simple_forecasts_are() -> None:
    """The last value as a model has the MASE of the baseline, values missing or not."""
    frame = made_up_panel("missing_values")
    panel = panel_of(frame[frame["unique_id"] < "s005"])
    split = split_panel(panel, horizon=14, val_size=14, test_size=120)
    scale = training_scale(panel, split.train_end, 7)
    assert split.test is not None
    origins = statistical.sample_origins(split.test, members=1, fits=40, season=7)
    net = random_net(horizon=14, context_length=28, seasonal_lags=(7,))
    _, simple = evaluate(net, panel, origins, scale, (Baseline("naive", 1),))

    def last_value(history: np.ndarray[Any, Any], horizon: int) -> np.ndarray[Any, Any]:
        return np.full(horizon, history[-1])

    def refuse(history: np.ndarray[Any, Any], horizon: int) -> np.ndarray[Any, Any]:
        raise NotImplementedError("tiny datasets")

    expected = simple["naive"].result()["mase"]
    for model in (last_value, refuse):
        found = statistical.score_model(model, panel, origins, scale, 14, history=60)
        assert found == pytest.approx(expected, rel=1e-5)


def metrics(ours: float) -> dict[str, Any]:
    """A metrics.json whose rival has a scaled error of 0.5, and a mean 0.4."""
    part = {"scaled_mae": 0.5, "scaled_mse": 1.0, "mae": 5.0, "mase": 1.0}
    simple = {"seasonal_naive": part, "window_average": part | {"scaled_mae": 0.4}}
    test = {"scaled_mae": ours, "scaled_mse": 2 * ours, "mase": 0.9, "baselines": simple}
    return {"test": test, "rival": "seasonal_naive", "train_seconds": 2.0}


def test_the_table_counts_wins_and_losses_over_the_mean_of_seeds(tmp_path: Path) -> None:
    figures = [
        {"case": name, "seed": seed} | scores.scores_of(metrics(ours))
        for name, seed, ours in (("a", 0, 0.45), ("b", 0, 0.45), ("b", 1, 0.65))
    ]
    failed = {"case": "c", "seed": 0, "error": "DataError: no lines"}
    lines = table.summary_lines([*figures, failed])
    assert lines[0].endswith("by mae: 1 won, 1 lost (b 1.100)")
    assert lines[1].endswith("by mse: 1 won, 1 lost (b 1.100)")
    assert lines[2].endswith("by mae: 0 won, 2 lost (b 1.375, a 1.125)")
    assert lines[-1] == "failed: c (seed 0)"
    head, line = table.head_line(), table.score_line(figures[0])
    for name in ("/rival", "/naive"):
        assert line[: head.index(name) + len(name)].endswith(" 0.900")
    assert table.score_line(failed).endswith("DataError: no lines")
    for name in ("out.csv", "out.json"):
        table.write_scores([*figures, failed], tmp_path / name)
    assert json.loads((tmp_path / "out.json").read_text()) == [*figures, failed]
    assert pd.read_csv(tmp_path / "out.csv")["to_rival"].tolist()[:3] == [0.9, 0.9, 1.3]


def test_a_case_is_trained_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"AutoETS": lambda history, horizon: np.full(horizon, history[-1])}
    monkeypatch.setattr(scores, "statistical_models", lambda season: models)
    output = tmp_path / "out.json"
    picked = ["--data", str(tmp_path), "--cases", "one_short_series,tourism", "--fits", "10"]
    code = defaults.main([*picked, "--output", str(output), "--", *TINY, "seed=3"])
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0] == f"no file {tmp_path}/tourism/tourism.csv: skipped"
    assert lines[2].split()[:2] == ["one_short_series", "3"]
    (found,) = json.loads(output.read_text())
    assert found["sampled_origins"] <= 10
    assert found["AutoETS_mase"] > 0
    assert found["to_AutoETS"] == pytest.approx(found["sampled_mase"] / found["AutoETS_mase"])
    assert any(line.startswith("against AutoETS, by mase at the same origins: ") for line in lines)


def test_an_error_is_a_line_of_its_case(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("unique_id,ds,y\na,2024-01-01,x\n")
    case = Case("broken", "broken", ("horizon=2",), str(path))
    found = scores.run_case(case, 0, (), PanelCache(), tmp_path, scores.Comparison())
    assert found["error"].startswith("DataError: ")
    assert "`x`" in found["error"] or "'x'" in found["error"]


def test_an_interrupted_benchmark_says_what_it_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(case: Case, seed: int, *rest: object) -> dict[str, Any]:
        if case.name == "seattle":
            raise KeyboardInterrupt
        return {"case": case.name, "seed": seed} | scores.scores_of(metrics(0.45))

    monkeypatch.setattr(defaults, "run_case", interrupted)
    assert defaults.main(["--cases", "trends,seattle,load"]) == 1
    out = capsys.readouterr().out
    assert "by mae: 1 won, 0 lost\n" in out
    assert out.endswith("interrupted, 2 of the trainings not done\n")
