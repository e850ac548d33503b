"""The network that a config asks for: its spec, a bound on its size, and its first weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.config.schema import TrainConfig
from tsconv.data.covariates.encode import Encoding, covariate_sizes
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.nn.heads import DISTRIBUTION_HEADS

# A training holds the weights, their gradients, two moments and three averages: 6 GB of float32.
MOST_PARAMETERS = 200_000_000
_APART = ("separate", "pooled")


def net_spec(config: TrainConfig, panel: Panel, encodings: Sequence[Encoding]) -> NetSpec:
    """The spec of the network that a config without open ends asks for on a panel."""
    head = config.head
    model = dataclasses.asdict(config.model)
    del model["linear_start"]  # of the training alone
    own_maps = config.model.maps in _APART
    by_row = config.model.rows != "shared" or config.model.cross_row == "dense"
    by_series = config.model.series != "shared" or (own_maps and not panel.rows)
    return NetSpec(
        horizon=config.horizon,
        context_length=config.context_length or 1,
        seasonal_lags=tuple(config.features.seasonal_lags or ()),
        smooth=tuple(config.features.smooth),
        slope=tuple(config.features.slope),
        quantiles=None if head.kind == "point" else tuple(head.quantiles or ()),
        head=head.kind if head.kind in DISTRIBUTION_HEADS else None,
        zero_inflated=head.zero_inflated,
        n_rows=panel.n_rows if by_row or (own_maps and panel.rows) else None,
        n_series=len(panel) if by_series else None,
        n_targets=len(panel.targets),
        n_past=panel.n_past,
        calendar=tuple(config.features.calendar or ()),
        **covariate_sizes(encodings),
        **model,
    )


def draw_network(spec: NetSpec, seed: int) -> tuple[ForecastNet, Tensor]:
    """Build a network whose weights depend on the seed alone; return the generator's state too.

    Raises ConfigError for one that is too large, see `require_size`.
    """
    with torch.random.fork_rng(devices=[]):
        require_size(spec)
        torch.default_generator.manual_seed(seed)
        net = ForecastNet(spec)
        return net, torch.get_rng_state()


def count_parameters(spec: NetSpec) -> int:
    """Count the parameters of a network without building it for all of its rows or series.

    Each row or series adds the same number. With `cross_row="dense"`, whose matrix grows with the
    square of the rows, the count is too low.

    >>> spec = NetSpec(horizon=7, context_length=28, series="separate", n_series=1000)
    >>> count_parameters(spec) == 1000 * count_parameters(dataclasses.replace(spec, n_series=1))
    True
    """
    members = spec.n_series or spec.n_rows or 1

    def count(n: int) -> int:
        n_series, n_rows = (n, None) if spec.by_series else (None, spec.n_rows and n)
        net = ForecastNet(dataclasses.replace(spec, n_series=n_series, n_rows=n_rows))
        return sum(p.numel() for p in net.parameters())

    return count(1) + (members - 1) * (count(2) - count(1))


def require_size(spec: NetSpec) -> None:
    """Raise ConfigError for a network that rows or series make too large to train.

    Draws random numbers: seed the generator after it.
    """
    members, kind = (spec.n_series, "series") if spec.by_series else (spec.n_rows, "rows")
    apart = {"model.rows": spec.rows, "model.series": spec.series, "model.maps": spec.maps}
    keys = [f"`{key}={value}`" for key, value in apart.items() if value in _APART]
    if members is None or not keys:
        return
    count = count_parameters(spec)
    if count > MOST_PARAMETERS:
        raise ConfigError(
            f"{' and '.join(keys)} with {members:,} {kind} would make a network of {count:,} "
            f"parameters, and the most is {MOST_PARAMETERS:,}: let the {kind} share them, or set a "
            f"smaller `context_length` (={spec.context_length}) or `model.hidden` (={spec.hidden})"
        )
