"""Small networks with random weights, and masked input for them."""

from __future__ import annotations

import torch

from tsconv.data.batches.chunks import Batch
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec


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


def random_batch(
    net: ForecastNet, n_chunks: int, n_origins: int, covariates: CovariateBatch | None = None
) -> Batch:
    """Chunks of one channel and one row, observed throughout; float32."""
    x = torch.randn(n_chunks, 1, 1, net.history + n_origins)
    y = torch.randn(n_chunks, 1, 1, n_origins - 1 + net.spec.horizon)
    series = torch.arange(n_chunks)
    return Batch(
        x=x,
        mask=torch.ones_like(x),
        y=y,
        y_mask=torch.ones_like(y),
        valid=torch.ones(n_chunks, n_origins, dtype=torch.bool),
        series=series,
        first=torch.full_like(series, net.history),
        covariates=covariates,
    )


def masked(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """x with 0 where the mask is 0."""
    return torch.where(mask > 0, x, 0)
