"""Shared pieces of the tests: small networks, small panels, and the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import settings

from tsconv.model.network import ForecastNet, NetSpec

# Times on a shared machine vary too much for a deadline on each example.
settings.register_profile("tsconv", deadline=None, derandomize=True)
settings.load_profile("tsconv")

ROOT = Path(__file__).resolve().parents[1]
# Real data that are not in the repository: folders ett/, beijing_air/ and tourism/.
REAL_DATA = Path(os.environ.get("TSCONV_DATA", ROOT.parent / "shared" / "data"))


def random_net(**settings: object) -> ForecastNet:
    """A small float64 network in evaluation mode whose every weight is random and matters."""
    defaults = {
        "horizon": 5,
        "context_length": 12,
        "seasonal_lags": (7,),
        "smooth": (1.5,),
        "slope": (1.0,),
        "hidden": 8,
        "levels": 3,
    }
    net = ForecastNet(NetSpec(**{**defaults, **settings})).double().eval()  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return net


def masked(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """x with 0 where the mask is 0."""
    return torch.where(mask > 0, x, 0)


def daily_frame(n_series: int = 3, length: int = 200, seed: int = 0) -> pd.DataFrame:
    """Long-form daily series with a weekly season, a trend and noise."""
    rng = np.random.default_rng(seed)
    step = np.arange(length)
    week = rng.normal(size=(n_series, 7))
    parts = []
    for s in range(n_series):
        y = 10 * (s + 1) + 3 * week[s, step % 7] + 0.01 * step + rng.normal(size=length) * 0.5
        ds = pd.date_range("2023-01-02", periods=length, freq="D")
        parts.append(pd.DataFrame({"unique_id": f"shop {s}", "ds": ds, "y": y}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def tsconv(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `tsconv ...` as a user does, in a folder of its own."""

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "TSCONV_DEBUG"}
        return subprocess.run(
            [sys.executable, "-m", "tsconv.cli", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
