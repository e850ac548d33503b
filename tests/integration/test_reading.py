"""Files of the layouts met in the wild, through the real commands: training, template, forecast."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.files import QUICK

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def drugs(n: int = 36) -> pd.DataFrame:
    """Monthly sales of drugs, of a series for each concession, kind and code."""
    months = pd.date_range("2015-01-01", periods=n, freq="MS").astype(str)
    keys = [
        ("General", "Safety net", "007"),
        ("General", "Co-payments", "A/1"),
        ("Other", "x", "8"),
    ]
    parts = [
        pd.DataFrame(
            {"who": who, "kind": kind, "code": code, "month": months, "cost": np.arange(n) % 12 + k}
        )
        for k, (who, kind, code) in enumerate(keys)
    ]
    return pd.concat(parts, ignore_index=True)


def test_ids_of_several_columns_go_all_the_way(tmp_path: Path, tsconv_here: Run) -> None:
    drugs().assign(promo=0).to_csv(tmp_path / "drugs.csv", index=False)
    roles = (
        "data.id=[who,kind,code]", "data.time=month", "data.target=cost",
        "data.future_covariates=promo",
    )  # fmt: skip
    done = tsconv_here("train", "data.path=drugs.csv", *roles, *QUICK, "run_dir=run")
    assert done.returncode == 0, done.stderr
    done = tsconv_here("forecast", "bundle=run/bundle", "data.path=drugs.csv", "template=ahead.csv")
    assert done.returncode == 0, done.stderr
    ahead = pd.read_csv(tmp_path / "ahead.csv", dtype=str)
    assert ahead.columns.tolist() == ["month", "who", "kind", "code", "promo"]
    assert ahead["code"].tolist() == ["007", "007", "A/1", "A/1", "8", "8"]
    ahead.assign(promo=1).to_csv(tmp_path / "ahead.csv", index=False)
    done = tsconv_here(
        "forecast", "bundle=run/bundle", "data.path=drugs.csv", "data.future_path=ahead.csv"
    )
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "forecast.csv")) == 6


def test_a_line_a_series_is_trained_on_and_forecast_in_long_form(
    tmp_path: Path, tsconv_here: Run
) -> None:
    lines = [f"H{s}," + ",".join(str(s + k % 7) for k in range(60 - s)) for s in range(3)]
    header = "V1," + ",".join(f"V{k}" for k in range(2, 62))
    full = [line + "," * (header.count(",") - line.count(",")) for line in lines]
    (tmp_path / "m4.csv").write_text("\n".join([header, *full]) + "\n")
    roles = ("data.wide_columns_are=steps", "data.id=V1", "data.time=null")
    done = tsconv_here("train", "data.path=m4.csv", *roles, *QUICK, "run_dir=run")
    assert done.returncode == 0, done.stderr
    done = tsconv_here("forecast", "bundle=run/bundle", "data.path=m4.csv")
    assert done.returncode == 0, done.stderr
    ahead = pd.read_csv(tmp_path / "forecast.csv")
    assert ahead.iloc[:, 0].tolist() == ["H0", "H0", "H1", "H1", "H2", "H2"]
    assert ahead.iloc[:, 1].tolist() == [61, 62, 60, 61, 59, 60]


def test_a_folder_of_files_is_trained_on_and_forecast(tmp_path: Path, tsconv_here: Run) -> None:
    for k, name in enumerate(("EUR", "USD")):
        days = pd.date_range("2024-01-01", periods=60, freq="D").astype(str)
        frame = pd.DataFrame({"ds": days, f"{name} rate": np.arange(60) % 7 + k})
        frame.to_csv(tmp_path / f"rate_{name}.csv", index=False)
    roles = ("data.id_from_file=rate_(\\w+)", "data.target_position=2")
    done = tsconv_here("train", "data.path=rate_*.csv", *roles, *QUICK, "run_dir=run")
    assert done.returncode == 0, done.stderr
    done = tsconv_here("forecast", "bundle=run/bundle", "data.path=rate_*.csv")
    assert done.returncode == 0, done.stderr
    ahead = pd.read_csv(tmp_path / "forecast.csv")
    assert ahead["unique_id"].tolist() == ["EUR", "EUR", "USD", "USD"]
    assert ahead["ds"].tolist() == ["2024-03-01", "2024-03-02"] * 2
