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
