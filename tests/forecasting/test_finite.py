"""No file of forecasts holds a number that is not finite: the series and the time are named."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.paths import ROOT
from tsconv.cli import main
from tsconv.model.network import ForecastNet
from tsconv.model.prediction import Prediction

GOLDEN = ROOT / "tests" / "golden" / "calibrated_bundle"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that give NaN or infinity for the second series, at the third step."""
    original: Callable[..., Prediction] = ForecastNet.forward

    def forward(self: ForecastNet, x: torch.Tensor, *args: Any, **kwargs: Any) -> Prediction:
        out = original(self, x, *args, **kwargs)
        levels = [level.clone() for level in out.levels]
        at = 1 if len(x) > 1 else 0
        for level in levels:
            level[at, ..., 2] = math.nan
        return out._replace(levels=tuple(levels))

    monkeypatch.setattr(ForecastNet, "forward", forward)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    "keys",
    [
        ["forecast", "output={}/f.csv"],
        ["forecast", "output={}/f.parquet"],
        ["forecast", "output={}/f.csv", "components=true"],
        ["forecast", "output={}/f.csv", "shards=1"],
        ["forecast", "output={}/f.csv", "aggregate=total", "samples=20"],
        ["backtest", "forecasts={}/f.parquet", "run_dir={}/run"],
    ],
    ids=lambda keys: "-".join([keys[0], *(k.partition("=")[0] for k in keys[1:])]),
)
def test_a_number_that_is_not_finite_is_named(
    keys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    is_forecast = keys[0] == "forecast"
    words = [key.format(tmp_path) for key in keys]
    words += [f"bundle={GOLDEN}/bundle", f"data.path={GOLDEN}/data.csv"]
    output = Path(next(w for w in words if "/f." in w).partition("=")[2])
    if is_forecast:
        output.write_text("old")
        words.append("overwrite=true")
    code = main(words)
    error = capsys.readouterr().err
    assert code == 1, error
    (said,) = (line for line in error.splitlines() if line.startswith("tsconv: "))
    where = "shop 002, day 2024-04-02 is nan" if is_forecast else "unique_id 002, ds 2024-"
    assert f"the forecast `tsconv` of {where}" in said
    assert output.read_text() == "old" if is_forecast else not output.exists()
    assert not list(tmp_path.rglob("*.part"))
