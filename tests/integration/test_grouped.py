"""Grouped series end to end: trained, scored by row and channel, stored, forecast, drawn."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import PLACES, stations
from tests.helpers.networks import random_net
from tests.helpers.runs import forecast, run, trained
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.batches.split import split_panel
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError
from tsconv.evaluation.scoring import evaluate, training_scale
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.forecast import forecast_panel, skipped_note
from tsconv.output.metrics_table import breakdown_tables
from tsconv.training.notes import training_notes
from tsconv.training.run import train


@pytest.mark.parametrize("rows", ["shared", "separate", "pooled"])
@pytest.mark.parametrize("cross_row", ["none", "mean", "dense"])
@pytest.mark.parametrize("channels", ["independent", "mixed"])
def test_every_form_trains_stores_and_forecasts(
    tmp_path: Path, rows: str, cross_row: str, channels: str
) -> None:
    result = trained(
        tmp_path, model__rows=rows, model__cross_row=cross_row, model__channels=channels
    )
    assert result.metrics["test"]["scaled_mae"] < 1
    spec = load_bundle(result.run_dir / "bundle").net.spec
    assert (spec.rows, spec.cross_row, spec.channels) == (rows, cross_row, channels)
    assert (spec.n_targets, spec.n_past) == (2, 1)
    table, _ = forecast(result, stations())
    assert list(table.columns[:5]) == ["unique_id", "row", "channel", "ds", "tsconv"]
    assert table["row"].unique().tolist() == list(PLACES)
    assert table["channel"].unique().tolist() == ["no2", "o3"]
    assert len(table) == 3 * 2 * 7
    assert table["ds"].min() == pd.Timestamp("2024-06-09")
    assert np.isfinite(table["tsconv"]).all()


def test_metrics_by_row_and_channel_are_those_of_each_alone(tmp_path: Path) -> None:
    result = trained(
        tmp_path, model__channels="independent", data__past_covariates="null",
        split__val_size=20, split__test_size=20, conformal="none",
    )  # fmt: skip
    test = json.loads((result.run_dir / "metrics.json").read_text())["test"]
    assert set(test["by_row"]) == set(PLACES)
    assert set(test["by_channel"]) == {"no2", "o3"}
    assert set(test["baselines"]["seasonal_naive"]["by_row"]) == set(PLACES)
    # Shared filters and channels apart: one station's one variable alone is scored the same.
    roles = DataConfig(id=None, target="o3")
    alone = stations().query("place == 'south'")
    panel = build_panel(table_from_frame(alone, roles))
    split = split_panel(panel, 7, 20, 20)
    scale = training_scale(panel, split.train_end, result.bundle.season)
    ours, _ = evaluate(result.bundle.net, panel, split.test, scale)
    h, c = PLACES.index("south"), 1
    whole = build_panel(
        table_from_frame(stations(), DataConfig(id=None, row="place", target=["no2", "o3"]))
    )
    scale = training_scale(whole, split.train_end, result.bundle.season)
    sums, _ = evaluate(result.bundle.net, whole, split.test, scale)
    assert sums.part(target=c, row=h).result() == pytest.approx(ours.result(), rel=1e-5)
    for key, part in (("by_row", sums.part(row=h)), ("by_channel", sums.part(target=c))):
        name = "south" if key == "by_row" else "o3"
        assert test[key][name] == pytest.approx(part.result(), rel=1e-5)
    assert test["n_origins"] == sum(p["n_origins"] for p in test["by_row"].values())


def test_the_tables_name_rows_and_channels(tmp_path: Path) -> None:
    test = trained(tmp_path).metrics["test"]
    lines = breakdown_tables(test, test["baselines"]["naive"], "last value").splitlines()
    assert {line.split()[0] for line in lines if line} >= {"mase", "no2", "o3", *PLACES}
    assert breakdown_tables({"mase": 1.0}, {}, "") == ""


def test_an_empty_target_is_masked_said_and_not_forecast(tmp_path: Path) -> None:
    frame = stations().assign(o3=np.nan)
    result = trained(tmp_path, frame)
    assert all(v.isfinite().all() for v in result.bundle.net.state_dict().values())
    assert result.metrics["test"]["by_channel"]["o3"]["n_origins"] == 0
    table, (made, panel, bundle) = forecast(result, frame)
    assert table["channel"].unique().tolist() == ["no2"]
    assert made.skipped == ("north · o3", "south · o3", "west · o3")
    assert "`o3` has no values: it is not forecast" in map(str, panel.notes)
    notes = training_notes(panel, training_scale(panel, panel.lengths, 7))
    assert "`o3` has no values: it is neither trained on nor forecast" in map(str, notes)
    left_out = skipped_note(made, bundle.net.spec.context_length)
    assert str(left_out).startswith("3 series not forecast")


def test_one_row_works_and_says_so(tmp_path: Path) -> None:
    frame = stations(places=("north",))
    result = trained(tmp_path, frame, model__rows="separate")
    table, (_, panel, _) = forecast(result, frame)
    assert len(table) == 2 * 7
    notes = training_notes(panel, training_scale(panel, panel.lengths, 7))
    assert str(notes[0]).startswith("there is only one row, `north`")


def test_a_row_with_nothing_to_learn_from_is_named(tmp_path: Path) -> None:
    frame = stations()
    silent = (frame["place"] == "west") & (frame["ds"] < "2024-05-20")
    frame.loc[silent, ["no2", "o3"]] = np.nan
    said: list[str] = []
    keys = ["horizon=7", "data.row=place", "data.target=[no2,o3]", "trainer.max_steps=2",
            f"run_dir={tmp_path / 'run'}", "compile=false", "plots=false", "logger=none",
            "callbacks.progress=false", "model.rows=separate", "split.test_size=20"]  # fmt: skip
    config = train_config(keys)
    train(config, table_from_frame(frame, config.data), said.append)
    text = "row `west` has no values that vary in the training part: nothing is learnt of it"
    assert text in said


def test_resuming_with_rows_in_another_order_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, run_dir=tmp_path / "a", model__rows="separate", callbacks__checkpoints="true")
    turned = stations().iloc[::-1]
    with pytest.raises(ConfigError, match=r"that run's rows were north, south, west, the data has"):
        trained(
            tmp_path, turned, run_dir=tmp_path / "b", model__rows="separate",
            resume=tmp_path / "a", trainer__max_steps=20,
        )  # fmt: skip


def test_scores_with_rows_and_past_covariates_equal_a_loop_over_origins() -> None:
    roles = DataConfig(id=None, row="place", target=["no2", "o3"], past_covariates="wind")
    panel = build_panel(table_from_frame(stations(60).drop(index=[50, 100]), roles))
    net = random_net(channels="mixed", n_targets=2, n_past=1, cross_row="mean")
    split = split_panel(panel, 5, 10, 12)
    ours, _ = evaluate(net, panel, split.test, training_scale(panel, split.train_end, 7))
    absolute, count, level = (torch.zeros(2, 3, dtype=torch.float64) for _ in range(3))
    for t in range(int(split.test.first[0]), int(split.test.last[0]) + 1):
        out = forecast_panel(net, panel, origins=torch.tensor([t])).values[0, ..., 0]
        observed = panel.series(0)[t + 1 : t + 6, :2].permute(1, 2, 0)  # (T, H, horizon)
        error = (out - observed).abs()
        absolute += error.nan_to_num(0).sum(-1)
        count += (~error.isnan()).sum(-1)
        level += observed.abs().nan_to_num(0).sum(-1)
    for c in range(2):
        for h in range(3):
            part = ours.part(target=c, row=h)
            mae = part.result()["mae"]
            assert mae == pytest.approx(float(absolute[c, h] / count[c, h]), rel=1e-5)
            assert float(part.sums["observed"]) == pytest.approx(float(level[c, h]), rel=1e-5)


def test_names_that_look_like_formulas_are_drawn_as_they_are(tmp_path: Path) -> None:
    frame = stations().replace({"place": {"north": r"$\frac{$", "south": "US$ and EUR$"}})
    result = trained(tmp_path, frame, plots="true")
    assert (result.run_dir / "plots" / "errors_by_row.png").stat().st_size > 1000


@pytest.mark.parametrize("key", ["model__rows=separate", "model__cross_row=mean"])
def test_rows_are_needed_where_they_are_to_differ(tmp_path: Path, key: str) -> None:
    name, _, value = key.partition("=")
    with pytest.raises(ConfigError, match=r"needs rows: name their column by `data.row`"):
        run(tmp_path, **{name: value})


def test_ids_and_rows_together(tmp_path: Path) -> None:
    frame = pd.concat(
        [
            stations(seed=s).assign(unique_id=f"city {s}") for s in range(2)
        ]
    )  # fmt: skip
    frame = frame[~((frame["unique_id"] == "city 1") & (frame["place"] == "south"))]
    result = trained(tmp_path, frame, model__rows="pooled", model__cross_row="mean")
    table, (made, _, _) = forecast(result, frame)
    pairs = table[["unique_id", "row"]].drop_duplicates().to_numpy().tolist()
    assert [tuple(p) for p in pairs] == [
        ("city 0", "north"), ("city 0", "south"), ("city 0", "west"),
        ("city 1", "north"), ("city 1", "west"),
    ]  # fmt: skip
    assert made.skipped == ()


def test_deviations_are_decayed_towards_the_pool(tmp_path: Path) -> None:
    def size(row_decay: float) -> float:
        result = trained(
            tmp_path, run_dir=tmp_path / str(row_decay), model__rows="pooled",
            optimizer__row_decay=row_decay, trainer__max_steps=60,
        )  # fmt: skip
        own = [v for k, v in result.bundle.net.state_dict().items() if ".row_" in k]
        assert own
        return float(torch.cat([v.flatten() for v in own]).abs().mean())

    assert size(30.0) < 0.7 * size(0.0)


def test_pictures_of_rows_are_drawn(tmp_path: Path) -> None:
    result = trained(tmp_path, plots="true")
    names = {p.name for p in (result.run_dir / "plots").iterdir()}
    assert names == {"training.png", "test_forecasts.png", "errors_by_row.png"}
