"""`tsconv forecast` from an earlier origin with covariates, its template, and shifted targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv import cli
from tsconv.config.compose import forecast_config
from tsconv.forecasting.run import run_forecast
from tsconv.output import plots

QUICK = (
    "trainer.max_steps=2", "compile=false", "precision=float32", "plots=false",
    "callbacks.progress=false", "model.hidden=4", "model.levels=1", "logger=none",
)  # fmt: skip
ORIGIN = "2024-02-10"  # the first step to forecast


def sales(days: int = 60) -> pd.DataFrame:
    """Two series; prices known ahead, visits known up to the origin alone."""
    rng = np.random.default_rng(0)
    wave = 5 * np.sin(np.arange(days) * 2 * np.pi / 7)
    parts = [
        pd.DataFrame(
            {
                "shop": name,
                "day": pd.date_range("2024-01-01", periods=days).strftime("%Y-%m-%d"),
                "sold": np.round(20 + wave + rng.normal(size=days), 1),
                "price": np.round(rng.normal(3, 0.5, days), 2),
                "visits": np.round(rng.normal(100, 9, days)),
            }
        )
        for name in ("a", "b")
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A trained bundle of `sales`, in the folder that the tests work in."""
    path = tmp_path_factory.mktemp("sales")
    sales().to_csv(path / "sales.csv", index=False)
    roles = ("data.id=shop", "data.time=day", "data.target=sold")
    covariates = ("data.future_covariates=price", "data.past_covariates=visits")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        keys = ("data.path=sales.csv", "horizon=5", "run_dir=run", *roles, *covariates, *QUICK)
        assert cli.main(["train", *keys]) == 0
        yield path


def values(*arguments: str) -> torch.Tensor:
    """The forecasts before they are rounded: (series, target, row, step, quantile)."""
    result = run_forecast(forecast_config(["bundle=run", "output=f.csv", *arguments]))
    assert result is not None
    return result.forecast.values


@pytest.mark.parametrize("key", [f"start={ORIGIN}", "last=2024-02-09"])
def test_an_origin_sees_no_later_target_and_no_later_past_covariate(folder: Path, key: str) -> None:
    frame = sales()
    later = frame["day"] >= ORIGIN
    frame[~later].to_csv("cut.csv", index=False)
    frame[later].drop(columns=["sold", "visits"]).to_csv("ahead.csv", index=False)
    cut = values("data.path=cut.csv", "data.future_path=ahead.csv")
    assert torch.equal(values("data.path=sales.csv", key), cut)
    frame.loc[later, ["sold", "visits"]] = [1e6, -1e6]
    frame.to_csv("spoilt.csv", index=False)
    assert torch.equal(values("data.path=spoilt.csv", key), cut)
    frame.loc[later, "price"] += 0.5
    frame.to_csv("dearer.csv", index=False)
    assert not torch.equal(values("data.path=dearer.csv", key), cut)  # it is known ahead


def test_a_template_is_that_of_the_chosen_origin_series_and_horizon(folder: Path) -> None:
    keys = ("bundle=run", "data.path=sales.csv", "overwrite=true", "template=t.csv")
    assert cli.main(["forecast", *keys, "series=b", "start=2024-02-28", "horizon=3"]) == 0
    made = pd.read_csv("t.csv")
    assert made["shop"].tolist() == ["b"] * 3
    assert made["day"].tolist() == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert made["price"].isna().tolist() == [False, False, True]  # what the file has is filled in
    made.assign(price=made["price"].fillna(3.0)).to_csv("filled.csv", index=False)
    frame = sales()
    frame[frame["day"] < "2024-02-28"].to_csv("short.csv", index=False)
    keys = ("bundle=run", "data.path=short.csv", "output=f.csv", "data.future_path=filled.csv")
    assert cli.main(["forecast", *keys, "series=b", "horizon=3"]) == 0
    assert pd.read_csv("f.csv")["day"].tolist() == made["day"].tolist()


def test_a_template_after_the_end_of_the_file_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("bundle=run", "data.path=sales.csv", "template=late.csv", "start=2024-06-01")
    assert cli.main(["forecast", *keys]) == 1
    assert "the latest start is 2024-03-01" in capsys.readouterr().err
    assert not Path("late.csv").exists()


def test_a_target_in_another_unit_is_noted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = sales()
    keys = ("bundle=run", "data.path=unit.csv", "output=f.csv", f"start={ORIGIN}")
    frame.assign(sold=frame["sold"] * 1000).to_csv("unit.csv", index=False)
    assert cli.main(["forecast", *keys]) == 0
    assert "note: target `sold`: the median of its latest values is 2" in capsys.readouterr().err
    frame.assign(sold=frame["sold"] * 1.3).to_csv("unit.csv", index=False)  # a good year
    assert cli.main(["forecast", *keys]) == 0
    assert "target `sold`" not in capsys.readouterr().err


def test_a_picture_shows_every_series_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    original = plots.plot_forecasts

    def counting(panel: Any, made: Any, path: Path, most: int, *more: Any) -> None:
        drawn.append(min(most, len(made.series)))
        original(panel, made, path, most, *more)

    monkeypatch.setattr(plots, "plot_forecasts", counting)
    keys = ("bundle=run", "data.path=sales.csv", "output=f.csv", "plot=p.png", f"start={ORIGIN}")
    for asked, count in (("series=[b,a]", 2), ("series=b", 1), ("horizon=5", 1)):
        assert cli.main(["forecast", *keys, "plot_series=1", asked]) == 0
        assert drawn[-1] == count
    assert Path("p.png").stat().st_size > 5000
