"""Permuting one column among the steps of one place in the season."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.permute import permute_within_season
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError

SEASON = 7


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Two series of other lengths; rows r and s; a past channel, a category and a number."""
    generator = np.random.default_rng(0)
    parts = []
    for name, length in (("a", 60), ("b", 85)):
        for row in ("r", "s"):
            part = pd.DataFrame({"unique_id": name, "ds": range(length), "row": row})
            for column in ("y", "seen", "price"):
                part[column] = generator.normal(size=length).round(6)
            part["sky"] = generator.choice(["fair", "rain"], size=length)
            part.loc[generator.random(length) < 0.2, ["seen", "price"]] = np.nan
            parts.append(part)
    frame = pd.concat(parts)
    roles = DataConfig(
        row="row", past_covariates=["seen"], future_covariates=["price", "sky"], categories=["sky"]
    )
    return build_panel(table_from_frame(frame, roles))


def by_place(values: torch.Tensor, indptr: torch.Tensor) -> list[np.ndarray]:
    """The rows of values that each place of each series has, sorted."""
    found = []
    for start, stop in pairwise(indptr):
        for place in range(SEASON):
            part = values[int(start) : int(stop)][place::SEASON].nan_to_num(-99).numpy()
            found.append(part[np.lexsort(part.T)])
    return found


def columns(panel: Panel, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What `name` names: (N, H) or (N, C) values, and where each series starts."""
    covariates = panel.covariates
    if covariates is not None and name in covariates.names:
        return covariates.values[:, covariates.names.index(name)], covariates.indptr
    if name in panel.channels:
        return panel.values[:, panel.channels.index(name)], panel.indptr
    return panel.values[..., panel.rows.index(name)], panel.indptr


@pytest.mark.parametrize("name", ["price", "sky", "seen", "s"])
def test_each_place_keeps_its_values_and_loses_their_order(panel: Panel, name: str) -> None:
    before, indptr = columns(panel, name)
    after, _ = columns(permute_within_season(panel, name, SEASON, 3), name)
    for old, new in zip(by_place(before, indptr), by_place(after, indptr), strict=True):
        np.testing.assert_array_equal(old, new)
    moved = (before.nan_to_num(-99) != after.nan_to_num(-99)).any(1).double().mean()
    assert moved > 0.5


@pytest.mark.parametrize("name", ["price", "seen", "s"])
def test_all_else_stays(panel: Panel, name: str) -> None:
    before = panel.values.clone(), panel.covariates.values.clone()
    permuted = permute_within_season(panel, name, SEASON, 3)
    assert torch.equal(panel.values.nan_to_num(-99), before[0].nan_to_num(-99))
    assert torch.equal(panel.covariates.values.nan_to_num(-99), before[1].nan_to_num(-99))
    for other in ("price", "sky", "seen", "y"):
        if other != name and name != "s":
            old, new = columns(panel, other)[0], columns(permuted, other)[0]
            assert torch.equal(old.nan_to_num(-99), new.nan_to_num(-99))
    old, new = (p.values[..., 0].nan_to_num(-99) for p in (panel, permuted))  # the row r
    assert torch.equal(old, new) == (name != "seen")
    assert torch.equal(panel.offset, permuted.offset)


def test_the_seed_decides(panel: Panel) -> None:
    first, again, other = (
        permute_within_season(panel, "sky", SEASON, seed).covariates.values for seed in (1, 1, 2)
    )
    assert torch.equal(first.nan_to_num(-99), again.nan_to_num(-99))
    assert not torch.equal(first.nan_to_num(-99), other.nan_to_num(-99))


def test_a_season_of_more_than_the_series_moves_nothing(panel: Panel) -> None:
    permuted = permute_within_season(panel, "sky", 1000, 1)
    old, new = (p.covariates.values.nan_to_num(-99) for p in (panel, permuted))
    assert torch.equal(old, new)


def test_faults_are_named(panel: Panel) -> None:
    for name in ("y", "prices"):
        with pytest.raises(ConfigError, match=f"`{name}` is not a covariate"):
            permute_within_season(panel, name, SEASON, 0)
    with pytest.raises(ConfigError, match="`season`"):
        permute_within_season(panel, "price", 0, 0)
