"""The readable reference of the dense forward: one window and one pass for each origin."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.ensemble import Network


def windowed_reference(
    net: Network,
    x: Tensor,
    mask: Tensor,
    origins: Sequence[int],
    covariates: CovariateBatch | None = None,
) -> Tensor:
    """Forecast from each origin by cutting out its history; the dense forward must equal it.

    Args:
        net: in evaluation mode.
        x, mask: (B, C, H, W) or (B, C, W).
        origins: steps.
        covariates: of W + horizon steps.

    Returns (B, T, H, len(origins), horizon, Q) in the units of x, without the axis H for (B, C, W).
    """
    out = []
    for t in origins:
        first = max(0, t - net.history)
        window = slice(first, t + 1 + net.spec.horizon)
        here = covariates and covariates._replace(
            values=covariates.values[..., window], seen=covariates.seen[..., window]
        )
        cut = slice(first, t + 1)
        out.append(net(x[..., cut], mask[..., cut], covariates=here).values())
    return torch.cat(out, dim=-3)
