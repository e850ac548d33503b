"""Networks trained anew: equal to trainings by hand, kept, and blind to the future."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.frames import daily_frame, stations
from tests.helpers.runs import run
from tests.helpers.runs import trained as rows_trained
from tsconv.backtest.further import Further
from tsconv.backtest.refits.trainings import Trainings, trainings_of
from tsconv.backtest.run import BacktestResult, backtest_table, run_backtest
from tsconv.config.compose import backtest_config
from tsconv.config.resume import stored_config
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError
from tsconv.forecasting.bundles.bundle import load_bundle, save_bundle
from tsconv.forecasting.select import cut_after

EVERY, HORIZON = 20, 7


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short training with validation and test part on `frame()`."""
    folder = tmp_path_factory.mktemp("trained")
    settings = {"trainer.max_steps": 5, "split.val_size": 14, "split.test_size": 50}
    return run(folder, frame(), **settings).run_dir


def frame() -> pd.DataFrame:
    """Three daily series of 160 steps; the second begins ten days later."""
    return daily_frame(3, 160).drop(index=range(160, 170))


def refits_of(
    trained: Path, data: pd.DataFrame, folder: Path, start: str | None = None, **more: Any
) -> tuple[BacktestResult, list[str]]:
    said: list[str] = []
    bundle = load_bundle(trained)
    trainings = dataclasses.replace(trainings_of(trained, bundle.data, "D"), folder=folder)
    further = Further(refit_every=EVERY, trainings=trainings, notify=said.append)
    table = table_from_frame(data, DataConfig())
    result = backtest_table(bundle, table, bundle.data, start=start, further=further, **more)
    return result, said


def forecasts(path: Path) -> pd.DataFrame:
    lines = pd.read_parquet(path)
    return lines.sort_values(["unique_id", "cutoff", "ds"], ignore_index=True)


def test_each_stretch_is_forecast_by_a_training_on_what_was_known(
    trained: Path, tmp_path: Path
) -> None:
    path = tmp_path / "all.parquet"
    result, said = refits_of(trained, frame(), tmp_path / "refits", forecasts=path)
    found, metrics = forecasts(path), result.metrics
    # Held out are the last 50 days: origins up to a horizon before the end, 20 of them a network.
    cutoffs = np.sort(found["cutoff"].unique())
    assert len(cutoffs) == 50 - HORIZON + 1
    assert metrics["refits"]["n_trainings"] == 3
    assert metrics["seen"] is None
    assert metrics["judged"] == "overall"
    assert said[0].startswith("3 trainings of about ")
    assert "Ctrl-C keeps those that are done" in said[0]
    assert metrics["refits"]["trained_until"] == [str(t)[:10] for t in cutoffs[::EVERY]]
    parts = []
    for i, begin in enumerate(cutoffs[::EVERY]):
        data = frame()
        known = data[data["ds"] <= begin]
        by_hand = run(tmp_path / f"hand{i}", known, **hand_settings(trained)).bundle
        last = cutoffs[min(len(cutoffs), (i + 1) * EVERY) - 1]
        one = tmp_path / f"{i}.parquet"
        backtest_table(
            by_hand, table_from_frame(data, DataConfig()), by_hand.data, forecasts=one,
            start=str(begin + np.timedelta64(1, "D"))[:10], last=str(last)[:10],
        )  # fmt: skip
        parts.append(forecasts(one))
    expected = pd.concat(parts).sort_values(["unique_id", "cutoff", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    # The figures are those of the lines, over all stretches.
    lines = found.dropna()
    error = (lines["y"] - lines["tsconv"]).abs()
    assert metrics["overall"]["mae"] == pytest.approx(error.mean(), rel=1e-9)
    assert metrics["overall"]["n_origins"] == len(lines.groupby(["unique_id", "cutoff"]))
    step = (lines["ds"] - lines["cutoff"]).dt.days
    np.testing.assert_allclose(result.by_horizon["mae"], error.groupby(step).mean(), rtol=1e-9)
    steps = result.backtest.judged.steps
    assert float(steps.by_target["ours"].sum()) == pytest.approx(error.sum(), rel=1e-5)
    by_origin = error.groupby([lines["unique_id"], lines["cutoff"]]).mean()
    filled = steps.by_origin["ours"][~steps.by_origin["ours"].isnan()]
    np.testing.assert_allclose(np.sort(filled.numpy()), np.sort(by_origin), rtol=1e-5)


def hand_settings(trained: Path) -> dict[str, Any]:
    """The sizes that the training chose, written out by hand."""
    config = stored_config(trained)
    return {
        "trainer.max_steps": 5, "split.val_size": 14, "split.test_size": 0, "data.freq": "D",
        "context_length": config.context_length, "threads": config.threads,
        "model.hidden": config.model.hidden, "model.levels": config.model.levels,
        "features.seasonal_lags": json.dumps(config.features.seasonal_lags),
        "features.calendar": json.dumps(config.features.calendar).replace('"', ""),
        "data.origins_per_chunk": config.data.origins_per_chunk,
        "data.chunks_per_batch": config.data.chunks_per_batch,
        "optimizer.lr": config.optimizer.lr,
        "optimizer.linear_lr": json.dumps(config.optimizer.linear_lr),
        "trainer.val_check_interval": config.trainer["val_check_interval"],
    }  # fmt: skip


def test_a_killed_backtest_goes_on_with_the_trainings_that_are_left(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = refits_of(trained, frame(), tmp_path / "whole")
    original, calls = Trainings.train, []

    def interrupted(self: Trainings, *args: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Trainings, "train", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"1 of 3 trainings are kept; the same command"):
            refits_of(trained, frame(), tmp_path / "parts")
    assert len(list((tmp_path / "parts").iterdir())) == 1
    again, said = refits_of(trained, frame(), tmp_path / "parts")
    assert "2 trainings" in said[0]
    assert "(1 more from before)" in said[0]
    assert _plain(again) == _plain(whole)
    third, said = refits_of(trained, frame(), tmp_path / "parts")
    assert said[0].startswith("all 3 trainings are there from before")
    assert len(said) == 1
    assert _plain(third) == _plain(whole)


def _plain(result: BacktestResult) -> str:
    return json.dumps({k: v for k, v in result.metrics.items() if not k.startswith("backtest_")})


def test_nothing_after_the_first_origin_of_a_stretch_changes_its_forecasts(
    trained: Path, tmp_path: Path
) -> None:
    data = frame()
    paths = [tmp_path / "one.parquet", tmp_path / "other.parquet"]
    result, _ = refits_of(trained, data, tmp_path / "refits", forecasts=paths[0])
    second = pd.Timestamp(result.metrics["refits"]["trained_until"][1])
    data.loc[data["ds"] > second, "y"] *= -3
    _, said = refits_of(trained, data, tmp_path / "refits", forecasts=paths[1])
    assert said[0].startswith("1 training of"), "only the last network knows what has changed"
    one, other = (forecasts(path) for path in paths)
    before = one["cutoff"] <= second  # its own context is as it was
    assert before.sum() > 0
    pd.testing.assert_series_equal(one.loc[before, "tsconv"], other.loc[before, "tsconv"])
    assert not np.allclose(one.loc[~before, "tsconv"], other.loc[~before, "tsconv"])


def test_another_config_or_other_data_do_not_take_a_kept_training(
    trained: Path, tmp_path: Path
) -> None:
    bundle = load_bundle(trained)
    trainings = trainings_of(trained, bundle.data, "D")
    table = table_from_frame(frame(), DataConfig())
    time = np.array(["2023-05-01"], "datetime64[us]")
    place = trainings.place(time, table)
    assert place.name.startswith("2023-05-01_")
    assert place == trainings.place(time, table_from_frame(frame(), DataConfig()))
    other = dataclasses.replace(trainings, config=dataclasses.replace(trainings.config, seed=1))
    assert other.place(time, table) != place
    changed = frame()
    changed.loc[5, "y"] += 1e-9
    assert trainings.place(time, table_from_frame(changed, DataConfig())) != place


def test_newer_lines_leave_what_was_known_as_it_was(trained: Path) -> None:
    """With a covariate that is known ahead, on the wall clock of a zone: nothing later is read."""
    roles = {"future_covariates": "price", "timezone": "Europe/Berlin"}
    data = frame()
    data["price"] = np.arange(len(data)) % 7
    time = np.array(["2023-04-20"], "datetime64[us]")
    trainings = trainings_of(trained, DataConfig(**roles), "D")
    places = []
    for until in ("2023-04-20", "2023-05-01", "2023-06-01"):
        table = table_from_frame(data[data["ds"] <= until], DataConfig(**roles))
        known = cut_after(table, build_panel(table, "D"), time)
        assert len(known.time) == (data["ds"] <= "2023-04-20").sum()
        places.append(trainings.place(time, known))
    assert len(set(places)) == 1


def test_some_series_are_scored_by_networks_that_know_all(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    refits_of(trained, frame(), tmp_path / "refits", forecasts=path)
    some = tmp_path / "some.parquet"
    name = frame()["unique_id"].iloc[0]
    _, said = refits_of(trained, frame(), tmp_path / "refits", forecasts=some, series=[name])
    assert said[0].startswith("all 3 trainings are there")
    every = forecasts(path)
    expected = every[every["unique_id"] == name].reset_index(drop=True)
    pd.testing.assert_frame_equal(forecasts(some), expected, rtol=1e-6)


def test_a_row_that_begins_later_keeps_its_name(tmp_path: Path) -> None:
    data = stations(160)
    first, begin = sorted(data["place"].unique())[0], data["ds"].min()
    data = data[(data["place"] != first) | (data["ds"] > begin + pd.Timedelta(days=95))]
    sizes = {"split.val_size": 14, "split.test_size": 30, "model.rows": "pooled"}
    folder = rows_trained(tmp_path, data, **sizes).run_dir
    bundle = load_bundle(folder)
    trainings = trainings_of(folder, bundle.data, "D")
    path, table = tmp_path / "all.parquet", table_from_frame(data, bundle.data)
    start = str(begin + pd.Timedelta(days=80))[:10]
    result = backtest_table(
        bundle, table, bundle.data, start=start, forecasts=path,
        further=Further(refit_every=30, trainings=trainings),
    )  # fmt: skip
    assert result.metrics["refits"]["n_trainings"] == 3
    lines = pd.read_parquet(path).dropna()
    observed = data.melt(["ds", "place"], ["no2", "o3"], "channel", "value")
    joined = lines.merge(
        observed, left_on=["ds", "row", "channel"], right_on=["ds", "place", "channel"]
    )
    assert len(joined) == len(lines)
    np.testing.assert_allclose(joined["y"], joined["value"], rtol=1e-6)  # float32
    error = (lines["y"] - lines["tsconv"]).abs()
    for row, value in error.groupby(lines["row"]).mean().items():
        by_row = result.metrics["overall"]["by_row"][row]["mae"]
        assert by_row == pytest.approx(value, rel=1e-6)


def test_with_a_start_what_the_bundle_has_seen_is_forecast_anew(
    trained: Path, tmp_path: Path
) -> None:
    result, _ = refits_of(
        trained, frame(), tmp_path / "refits", start="2023-04-10", last="2023-04-20"
    )
    assert result.metrics["refits"]["trained_until"] == ["2023-04-09"]
    assert result.metrics["held_out"] is not None
    assert result.metrics["seen"] is None


def test_without_a_start_nothing_is_trained_anew_within_the_training(
    trained: Path, tmp_path: Path
) -> None:
    data = frame()
    early = data[data["ds"] < "2023-04-20"]  # the training has used them all
    with pytest.raises(ConfigError, match=r"trains anew after the training part.*give `start`"):
        refits_of(trained, early, tmp_path / "refits")


def test_a_bundle_without_a_run_folder_is_refused_in_one_line(
    trained: Path, tmp_path: Path
) -> None:
    save_bundle(load_bundle(trained), tmp_path / "alone")
    frame().to_csv(tmp_path / "sales.csv", index=False)
    config = backtest_config(
        [f"bundle={tmp_path / 'alone'}", f"data.path={tmp_path / 'sales.csv'}",
         "backtest.refit_every=20", f"run_dir={tmp_path / 'out'}"]
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"has no config\.yaml: give bundle=runs/<run>"):
        run_backtest(config)


def test_the_command_keeps_the_networks_in_the_run_folder(trained: Path, tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "sales.csv", index=False)
    said: list[str] = []
    overrides = [
        f"bundle={trained}", f"data.path={tmp_path / 'sales.csv'}", "backtest.refit_every=20",
        f"run_dir={tmp_path / 'out'}", "plots=false",
    ]  # fmt: skip
    run_backtest(backtest_config(overrides), notify=said.append)
    assert len(list((trained / "refits").iterdir())) == 3
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert found["refits"]["every"] == 20
    assert said[-1].startswith("3 of 3 trainings done, on the data up to ")
    with pytest.raises(ConfigError, match=r"backtest\.refit_every` \(=0\)"):
        run_backtest(
            backtest_config([*overrides, f"run_dir={tmp_path / 'other'}", "backtest.refit_every=0"])
        )
