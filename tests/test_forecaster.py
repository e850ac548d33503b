"""The Python door: fit, forecast, save, load."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from tests.helpers.frames import daily_frame
from tsconv import Forecaster, TsconvWarning
from tsconv.errors import BundleError, ConfigError


def test_fit_forecast_save_load(tmp_path: Path) -> None:
    frame = daily_frame(3, 120).rename(columns={"unique_id": "shop"})
    settings = {
        "data__id": "shop", "run_dir": str(tmp_path / "it's a run"), "trainer__max_steps": 20,
        "callbacks__progress": False, "plots": False, "compile": False,
        "head.quantiles": [0.05, 0.5, 0.9],
    }  # fmt: skip
    forecaster = Forecaster(horizon=5, **settings).fit(frame)
    assert forecaster.metrics["test"]["n_origins"] > 0
    out = forecaster.forecast(frame)
    assert list(out.columns) == ["shop", "ds", "tsconv", "tsconv-q-5", "tsconv-q-90"]
    assert len(out) == 15
    assert out["ds"].iloc[0] == pd.Timestamp("2023-05-02")
    forecaster.save(tmp_path / "saved")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "saved").forecast(frame), out)
    # One batch a series, and another order of series, change nothing but rounding.
    pd.testing.assert_frame_equal(forecaster.forecast(frame, batch_size=1), out, rtol=1e-4)
    turned = pd.concat([frame[frame["shop"] == f"shop {i}"] for i in (2, 0, 1)])
    mixed = forecaster.forecast(turned).sort_values(["shop", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(mixed, out, rtol=1e-4)


def test_several_targets_get_a_channel_column(tmp_path: Path) -> None:
    frame = daily_frame(2, 80).assign(z=lambda f: -f["y"])
    forecaster = Forecaster(
        horizon=3, data__target=["y", "z"], run_dir=str(tmp_path / "run"), trainer__max_steps=5,
        callbacks__progress=False, plots=False, compile=False,
    )  # fmt: skip
    out = forecaster.fit(frame).forecast(frame)
    assert list(out.columns[:4]) == ["unique_id", "channel", "ds", "tsconv"]
    assert out["channel"].tolist()[:4] == ["y", "y", "y", "z"]
    one = out[(out["unique_id"] == "shop 0") & (out["channel"] == "z")]["tsconv"]
    assert (one < 0).all()


def test_before_fit_and_wrong_keys() -> None:
    with pytest.raises(BundleError, match="call fit or load first"):
        Forecaster(horizon=3).forecast(daily_frame(1, 20))
    with pytest.raises(ConfigError, match=r"did you mean `model.hidden`"):
        Forecaster(horizon=3, model__hiden=3)


QUICK = {"trainer__max_steps": 3, "compile": False, "precision": "float32"}


@pytest.fixture(scope="module")
def trained() -> Forecaster:
    """A Forecaster of three daily series; shared by the tests below."""
    return Forecaster(horizon=5, **QUICK).fit(daily_frame(3, 80))


def test_a_budget_makes_fit_a_race() -> None:
    frame = daily_frame(2, 80)
    small = {"model__hidden": 4, "model__levels": 2, "context_length": 14}
    forecaster = Forecaster(horizon=3, budget="1candidate", **small, **QUICK).fit(frame)
    assert forecaster.metrics["race"]["winner"] in forecaster.metrics["race"]["members"]
    assert forecaster.forecast(frame)["tsconv"].notna().all()
    with pytest.raises(ConfigError, match="must be a time, such as 60s"):
        Forecaster(horizon=3, budget="soon", **small).fit(frame)


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("modle__hidden", "model.hidden"),
        ("horizn", "horizon"),
        ("data.tme", "data.time"),
        ("trainer__max_stps", "trainer.max_steps"),
    ],
)
def test_misspelt_keys_are_refused_at_once(key: str, right: str) -> None:
    with pytest.raises(ConfigError, match=rf"did you mean `{right}`"):
        Forecaster(horizon=3, **{key: 3})


def test_keys_of_groups_of_the_trainer_and_of_experiments_are_taken() -> None:
    forecaster = Forecaster(
        **{
            "experiment": "quickstart",
            "head": "point",
            "trainer.profiler": None,
            "+experiment": "x",
        }
    )
    assert forecaster.settings["head"] == "point"


def test_a_second_forecaster_is_made_in_no_time() -> None:
    Forecaster(horizon=3, model__hidden=8)
    begun = time.perf_counter()
    for _ in range(10):
        Forecaster(horizon=3, model__hidden=8)
    assert time.perf_counter() - begun < 0.3


def test_fit_writes_nothing_prints_nothing_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "tmp").mkdir()
    frame = daily_frame(2, 60)
    before = frame.copy()
    forecaster = Forecaster(horizon=3, **QUICK).fit(frame)
    forecaster.forecast(frame)
    assert [p.name for p in tmp_path.rglob("*")] == ["tmp"]
    assert forecaster.run_dir is None
    assert capfd.readouterr() == ("", "")
    pd.testing.assert_frame_equal(frame, before)


def test_an_interrupted_fit_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt("go on by resume=/a/folder/that/is/gone")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("tsconv.training.run.run_trainer", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^nothing is kept; set run_dir"):
        Forecaster(horizon=3, **QUICK).fit(daily_frame(2, 60))
    assert not list(tmp_path.iterdir())


def test_a_run_folder_is_written_where_asked(tmp_path: Path) -> None:
    forecaster = Forecaster(horizon=3, run_dir=tmp_path / "run", plots=False, **QUICK)
    forecaster.fit(daily_frame(2, 60))
    assert forecaster.run_dir == tmp_path / "run"
    assert (tmp_path / "run" / "bundle" / "config.json").is_file()
    last = repr(forecaster).splitlines()[-1].split(maxsplit=2)
    assert last == ["run", "folder", str(tmp_path / "run")]


def test_without_a_run_folder_the_weights_are_the_same(trained: Forecaster, tmp_path: Path) -> None:
    kept = Forecaster(horizon=5, run_dir=tmp_path, plots=False, **QUICK).fit(daily_frame(3, 80))
    theirs = trained.bundle.net.state_dict()
    for name, tensor in kept.bundle.net.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


def test_forecasts_come_back_in_the_kind_that_was_given(
    trained: Forecaster, tmp_path: Path
) -> None:
    frame = daily_frame(3, 80)
    expected = trained.forecast(frame)
    frame.to_parquet(tmp_path / "sales.parquet")
    for given, kind in (
        (pl.from_pandas(frame), pl.DataFrame),
        (pl.from_pandas(frame).lazy(), pl.DataFrame),
        (pa.Table.from_pandas(frame), pa.Table),
        (tmp_path / "sales.parquet", pd.DataFrame),
        (str(tmp_path / "sales.parquet"), pd.DataFrame),
    ):
        made = trained.forecast(given)
        assert isinstance(made, kind)
        values = made["tsconv"].to_numpy() if kind is pd.DataFrame else made["tsconv"].to_pylist() \
            if kind is pa.Table else made["tsconv"].to_list()  # fmt: skip
        assert list(values) == expected["tsconv"].tolist()


def test_every_kind_of_table_trains_the_same_network(trained: Forecaster, tmp_path: Path) -> None:
    frame = daily_frame(3, 80)
    frame.to_parquet(tmp_path / "sales.parquet")
    for data in (pl.from_pandas(frame).lazy(), tmp_path / "sales.parquet"):
        other = Forecaster(horizon=5, **QUICK).fit(data)
        assert other.metrics["test"] == trained.metrics["test"]


def test_a_shorter_horizon_is_cut_and_a_longer_one_refused(trained: Forecaster) -> None:
    frame = daily_frame(3, 80)
    whole = trained.forecast(frame)
    short = trained.forecast(frame, horizon=2)
    first = whole.groupby("unique_id").head(2).reset_index(drop=True)
    pd.testing.assert_frame_equal(short, first)
    with pytest.raises(ConfigError, match=r"\(=6\) is longer than the 5 .*Forecaster\(horizon=6"):
        trained.forecast(frame, horizon=6)
    with pytest.raises(ConfigError, match="at least 1"):
        trained.forecast(frame, horizon=0)


def test_notes_are_warnings_that_point_to_the_caller() -> None:
    holes = daily_frame(2, 60).drop(index=[5, 6])
    with pytest.warns(TsconvWarning, match="2 of 120 steps") as caught:
        forecaster = Forecaster(horizon=3, **QUICK).fit(holes)
    ours = [w for w in caught if isinstance(w.message, TsconvWarning)]
    assert [str(w.message) for w in ours] == forecaster.notes
    assert len(set(forecaster.notes)) == len(forecaster.notes)
    assert {w.filename for w in ours} == {__file__}
    with pytest.warns(TsconvWarning, match="2 of 120 steps") as caught:
        forecaster.forecast(holes)
    assert {w.filename for w in caught} == {__file__}
    assert [str(w.message) for w in caught] == forecaster.notes


def test_metrics_and_the_summary_survive_saving(trained: Forecaster, tmp_path: Path) -> None:
    trained.save(tmp_path / "saved")
    loaded = Forecaster.load(tmp_path / "saved")
    assert loaded.metrics["test"] == trained.metrics["test"]
    assert loaded.metrics["val"] == trained.metrics["val"]
    assert repr(loaded).splitlines()[0] == "Forecaster(horizon=5), trained"
    assert repr(loaded).splitlines()[1:] == repr(trained).splitlines()[1:]
    assert "<table>" in loaded._repr_html_()
    assert repr(Forecaster(horizon=5)) == "Forecaster(horizon=5), not trained yet"


def test_roles_of_a_forecast_may_be_spelt_as_in_the_constructor(trained: Forecaster) -> None:
    frame = daily_frame(3, 80).rename(columns={"unique_id": "shop"})
    out = trained.forecast(frame, data__id="shop")
    pd.testing.assert_frame_equal(out, trained.forecast(frame, id="shop"))


def test_progress_is_shown_where_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Forecaster(horizon=3)._settings_of_fit
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert shown()["callbacks.progress"] is False
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert shown()["callbacks.progress"] is True
    quiet = Forecaster(horizon=3, callbacks__progress=False)
    assert quiet._settings_of_fit()["callbacks.progress"] is False


def test_loading_needs_no_hydra() -> None:
    folder = Path(__file__).resolve().parent / "golden"
    (bundle, *_) = sorted(p.parent for p in folder.rglob("model.safetensors"))
    code = (
        f"import sys; from tsconv import Forecaster; Forecaster.load({str(bundle)!r})\n"
        "assert not {'hydra', 'pytorch_lightning', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_integer_ids_stay_integers_in_every_kind_of_table(tmp_path: Path) -> None:
    stores = {"shop 0": 7, "shop 1": 8}
    frame = daily_frame(2, 60).assign(store=lambda f: f.pop("unique_id").map(stores))
    forecaster = Forecaster(horizon=2, data__id="store", **QUICK).fit(frame)
    assert forecaster.forecast(frame)["store"].tolist() == [7, 7, 8, 8]
    assert forecaster.forecast(pl.from_pandas(frame)).schema["store"] == pl.Int64
    made = forecaster.forecast(pa.Table.from_pandas(frame))
    assert made.schema.field("store").type == pa.int64()
    frame.to_parquet(tmp_path / "sales.parquet")
    assert forecaster.forecast(tmp_path / "sales.parquet")["store"].dtype == "int64"


def test_resume_needs_no_other_key(tmp_path: Path) -> None:
    """As `tsconv train resume=...`, with data in memory or in a file."""
    frame, run = daily_frame(2, 60), tmp_path / "run"
    first = Forecaster(horizon=3, run_dir=str(run), **QUICK).fit(frame)
    steps = first.bundle.info["max_steps"]
    more = Forecaster(resume=str(run), trainer__max_steps=steps + 2).fit(frame)
    assert more.run_dir == run
    assert more.bundle.net.spec == first.bundle.net.spec
    assert more.metrics["train_steps"] == steps + 2
    frame.to_csv(tmp_path / "sales.csv", index=False)
    again = Forecaster(resume=str(run), trainer__max_steps=steps + 4)
    assert again.fit(tmp_path / "sales.csv").metrics["train_steps"] == steps + 4
    with pytest.raises(ConfigError, match="a resumed training keeps it"):
        Forecaster(resume=str(run), model__hidden=5).fit(frame)


@pytest.mark.parametrize("kind", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_times_that_are_text_come_back_as_text(kind: Any) -> None:
    frame = daily_frame(2, 60)
    frame["ds"] = pd.to_datetime(frame["ds"]).dt.strftime("%d.%m.%Y")
    keys = {"data__time_format": "%d.%m.%Y", **QUICK}
    made = Forecaster(horizon=2, **keys).fit(kind(frame)).forecast(kind(frame))
    times = made["ds"].to_pylist() if isinstance(made, pa.Table) else list(made["ds"])
    after = pd.to_datetime(frame["ds"], format="%d.%m.%Y").max() + pd.to_timedelta([1, 2], "D")
    assert times == [*after.strftime("%d.%m.%Y")] * 2
