"""`tsconv forecast components=true`: columns that add up to the forecast as it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv import Forecaster, cli
from tsconv.config.compose import forecast_config
from tsconv.data.batches.chunks import gather
from tsconv.data.batches.origin_range import OriginRange
from tsconv.errors import ConfigError
from tsconv.forecasting.forecast import batch_components
from tsconv.forecasting.outputs import check_free
from tsconv.forecasting.run import ForecastResult, run_forecast
from tsconv.model.components import is_component

QUICK = (
    "trainer.max_steps=30", "compile=false", "precision=float32", "plots=false",
    "callbacks.progress=false", "model.hidden=4", "model.levels=1", "logger=none",
    "trainer.val_check_interval=30",
)  # fmt: skip
KNOWN = ("covariate-lo-80", "covariate-level", "calendar-weekday")  # categories come first
NAMES = ["level", "last-season", "2-seasons-back", *KNOWN, *(f"state-{k}" for k in KNOWN), "stack"]


def cities(days: int = 150) -> pd.DataFrame:
    """Two rows and two targets; covariates whose names are those of other columns."""
    rng = np.random.default_rng(0)
    parts = []
    for city in ("north", "south"):
        level, holiday = rng.normal(size=days).round(2), rng.random(days) < 0.2
        wave = 5 * np.sin(np.arange(days) * 2 * np.pi / 7) + 4 * level + 3 * holiday
        parts.append(
            pd.DataFrame(
                {
                    "day": pd.date_range("2024-01-01", periods=days),
                    "city": city,
                    "sold": np.round(200 + wave + rng.normal(size=days), 1),
                    "visits": np.round(90 + wave + rng.normal(size=days)),
                    "level": level,
                    "lo-80": np.where(holiday, "yes", "no"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A trained bundle of `cities`, in the folder that the tests work in."""
    path = tmp_path_factory.mktemp("cities")
    cities().to_csv(path / "cities.csv", index=False)
    roles = ("data.time=day", "data.row=city", "data.target=[sold,visits]")
    known = (
        "data.future_covariates=[level,lo-80]",
        "data.categories=[lo-80]",
        "features.calendar=weekday",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        keys = ("data.path=cities.csv", "horizon=5", "context_length=14", "run_dir=run")
        assert cli.main(["train", *keys, *roles, *known, *QUICK]) == 0
        yield path


def run(*keys: str) -> ForecastResult:
    settings = ["bundle=run", "data.path=cities.csv", "output=f.csv", "components=true", *keys]
    result = run_forecast(forecast_config(settings))
    assert result is not None
    return result


@pytest.mark.parametrize(
    "keys",
    [("start=2024-05-20",), ("last=2024-05-01", "horizon=2"), ("start=2024-05-21",)],
    ids=str,
)
def test_columns_add_up_to_what_is_printed(folder: Path, keys: tuple[str, ...]) -> None:
    plain = run(*keys, "components=false")
    before = pd.read_csv("f.csv")
    result = run(*keys)
    frame = pd.read_csv("f.csv")
    pd.testing.assert_frame_equal(frame[before.columns], before)
    assert torch.equal(result.forecast.values, plain.forecast.values)
    parts = [f"tsconv-{name}" for name in NAMES]
    assert [*frame.columns[len(before.columns) :]] == parts
    np.testing.assert_allclose(frame[parts].sum(axis=1), frame["tsconv"], rtol=0, atol=1e-9)
    assert (frame[parts] == frame[parts].round(2)).all(axis=None)  # a decimal more than the file
    level = frame[frame["channel"] == "sold"]["tsconv-level"]
    assert level.between(190, 210).all()  # with the offset


def test_parts_before_rounding_add_up_too(folder: Path) -> None:
    forecast = run("start=2024-05-20").forecast
    assert [*forecast.components] == NAMES
    middle = run("start=2024-05-20").bundle.net.quantiles.index(0.5)
    total = torch.stack([*forecast.components.values()]).sum(0)
    torch.testing.assert_close(total, forecast.values[..., middle], rtol=0, atol=1e-3)
    for name in KNOWN[:2]:  # trained, so that both move the forecast
        assert forecast.components[name].abs().max() > 1e-3


def test_a_dense_batch_has_the_components_of_single_origins(folder: Path) -> None:
    """One pass over several origins, as a backtest makes, against a forecast from one."""
    result = run("start=2024-05-20")
    net, panel = result.bundle.net, result.panel
    origin = int(result.forecast.origin[0])
    origins = OriginRange(*(torch.tensor([at]) for at in (origin - 20, origin, 150)))
    series, first = torch.tensor([0]), torch.tensor([origin - 20])
    batch = gather(panel, origins, series, first, 21, net.history, net.spec.horizon)
    with torch.inference_mode():
        dense = batch_components(net.cpu(), panel, batch, season=result.bundle.season)
    for name, part in result.forecast.components.items():
        torch.testing.assert_close(dense[name][..., -1, :], part, rtol=1e-4, atol=1e-3)


def test_python_gives_the_same_columns(folder: Path) -> None:
    frame = cities()
    ahead = frame["day"] >= "2024-05-20"
    frame.loc[ahead, ["sold", "visits"]] = np.nan
    forecaster = Forecaster.load("run/bundle")
    out = forecaster.forecast(frame, horizon=3, components=True)
    run("start=2024-05-20", "horizon=3")
    pd.testing.assert_frame_equal(
        out, pd.read_csv("f.csv", parse_dates=["day"]), check_dtype=False, rtol=1e-4
    )
    with pytest.raises(ConfigError, match="`components`"):
        forecaster.forecast(frame, components=True, devices=2)


def test_an_earlier_forecast_with_components_may_be_written_over(folder: Path) -> None:
    run("start=2024-05-20")
    check_free("output", Path("f.csv"), [], overwrite=False)
    pd.DataFrame({"tsconv": [1], "tsconv-colour": [2]}).to_csv("other.csv", index=False)
    with pytest.raises(ConfigError, match="not a forecast of tsconv"):
        check_free("output", Path("other.csv"), [], overwrite=False)
    assert all(is_component(name) for name in NAMES)


@pytest.mark.parametrize("keys", [("shards=2",), ("shards=2", "shard=0")], ids=str)
def test_shards_are_refused_in_one_line(
    folder: Path, keys: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("bundle=run", "data.path=cities.csv", "output=s.csv", "components=true")
    assert cli.main(["forecast", *settings, *keys]) != 0
    assert "`components` and `shards` exclude each other" in capsys.readouterr().err
