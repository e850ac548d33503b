"""Bounds in a training: chosen by the head, checked, and kept in the bundle."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tsconv import cli
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle, save_bundle
from tsconv.forecasting.match import override_roles
from tsconv.training.defaults.bounds import resolve_bounds
from tsconv.training.prepare import check_config, prepare

QUICK = ["trainer.max_steps=1", "plots=false", "compile=false", "callbacks.progress=false"]


def counts(negative_at: int | None = None) -> Panel:
    frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(60), "y": np.arange(60.0) % 4})
    if negative_at is not None:
        frame.loc[negative_at, "y"] = -1
    return build_panel(table_from_frame(frame, DataConfig()))


@pytest.mark.parametrize(
    ("head", "negative_at", "lower", "reason"),
    [
        ("negative_binomial", None, 0.0, "counts: no value of the training part is negative"),
        ("poisson", None, 0.0, "counts: no value of the training part is negative"),
        ("negative_binomial", 5, None, "none: the training part has negative values"),
        ("quantile", None, None, "none: `head.kind` (=quantile) is not for counts"),
    ],
)
def test_auto_is_zero_for_counts(
    head: str, negative_at: int | None, lower: float | None, reason: str
) -> None:
    data, reasons = resolve_bounds(DataConfig(), head, counts(negative_at), torch.tensor([40]))
    assert (data.lower, data.upper) == (lower, None)
    assert reasons == {"data.lower": reason}


def test_what_is_given_is_kept_and_checked() -> None:
    data = DataConfig(lower={"a": 0, "y": -5}, upper=9)
    resolved, reasons = resolve_bounds(data, "quantile", counts(), torch.tensor([40]))
    assert (resolved.lower, resolved.upper, reasons) == ({"a": 0.0, "y": -5.0}, 9.0, {})
    with pytest.raises(ConfigError, match=r"`b` is not a series \(a\)"):
        resolve_bounds(DataConfig(lower={"b": 0}), "quantile", counts(), torch.tensor([40]))
    with pytest.raises(
        DataError, match=r"`a` is 3 at 3 \(and 14 more\), above `data.upper` \(=2\)"
    ):
        resolve_bounds(DataConfig(upper=2), "quantile", counts(), torch.tensor([40]))
    with pytest.raises(DataError, match="below"):  # after the training part too
        resolve_bounds(DataConfig(lower=0), "quantile", counts(55), torch.tensor([40]))


def test_wrong_bounds_are_refused_before_the_file_is_read() -> None:
    for override in ("data.lower=low", "data.upper=nan", "data.lower={a: b}"):
        with pytest.raises(ConfigError, match="must be a finite number"):
            check_config(train_config(["horizon=3", override]))
    with pytest.raises(ConfigError, match="must be less than"):
        check_config(train_config(["horizon=3", "data.lower=1", "data.upper=0"]))


def test_bounds_leave_the_network_as_it_is() -> None:
    panel = build_panel(table_from_frame(daily_frame(2, 80), DataConfig()))
    config = train_config(["horizon=3"])
    bounded = dataclasses.replace(config, data=dataclasses.replace(config.data, lower=-100))
    plain, other = prepare(config, panel), prepare(bounded, panel)
    assert other.config.data.lower == -100
    assert plain.net.spec == other.net.spec
    same = zip(plain.net.parameters(), other.net.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_bounds_travel_in_the_bundle_and_are_set_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    daily_frame(2, 60).to_csv("sales.csv", index=False)
    words = ["train", "data.path=sales.csv", "horizon=3", "run_dir=run", *QUICK]
    assert cli.main([*words, "data.lower={shop 0: -5}", "data.upper=1000"]) == 0
    contract = json.loads(Path("run/bundle/config.json").read_text())["contract"]
    assert (contract["lower"], contract["upper"]) == ({"shop 0": -5.0}, 1000.0)
    assert not {"lower", "upper"} & contract["roles"].keys()
    written = Path("run/config.yaml").read_text()
    assert "upper: 1000.0" in written
    bundle = load_bundle("run/bundle")
    assert (bundle.lower, bundle.data.upper) == ({"shop 0": -5.0}, 1000.0)

    def again(**given: Any) -> tuple[Any, Any]:
        roles = override_roles(bundle.data, given)
        return roles.lower, roles.upper

    assert again() == ({"shop 0": -5.0}, 1000.0)
    assert again(lower=None, upper=50) == (None, 50.0)
    assert again(lower="auto") == ({"shop 0": -5.0}, 1000.0)
    with pytest.raises(ConfigError, match="must be less than"):
        again(lower=2000)
    with pytest.raises(ConfigError, match="must be a finite number"):
        again(upper="much")
    capsys.readouterr()
    forecast = ["forecast", "bundle=run", "data.path=sales.csv"]
    assert cli.main([*forecast, "data.upper=null", "data.lower={shop 1: 0}"]) == 0
    assert cli.main([*forecast, "data.upper=x"]) == 1
    assert "must be a finite number" in capsys.readouterr().err


def test_a_bundle_without_bounds_has_none(tmp_path: Path) -> None:
    save_bundle(Bundle(random_net().float(), DataConfig(), "D", 7, {}), tmp_path / "bundle")
    contract = json.loads((tmp_path / "bundle" / "config.json").read_text())["contract"]
    assert (contract["lower"], contract["upper"]) == (None, None)
    assert not {"lower", "upper"} & {*contract["roles"]}
    bundle = load_bundle(tmp_path / "bundle")
    assert (bundle.lower, bundle.upper, bundle.data.lower) == (None, None, None)
