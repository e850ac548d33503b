"""NetSpec: the plain values that define a network, as a bundle's config.json holds them."""

from __future__ import annotations

import dataclasses
from typing import Any

from tsconv.errors import ConfigError, require_choice
from tsconv.nn.checks import require_positive

CHANNELS = ("independent", "mixed")


@dataclasses.dataclass(frozen=True)
class NetSpec:
    """What defines a ForecastNet; plain values, so that a bundle's config.json can hold them."""

    horizon: int  # steps forecast from each origin
    context_length: int  # steps that scaling and the linear branch look back on
    seasonal_lags: tuple[int, ...] = ()  # steps; one group of features for each
    hidden: int = 64  # channels of the stack
    kernel_size: int = 3
    levels: int = 7  # dilations 1, 2, ..., 2**(levels - 1)
    stacks: int = 1
    dropout: float = 0.2
    activation: str = "gelu"
    norm: str = "layer"
    expansion: int = 1
    gated: bool = False
    skip: bool = False
    weight_norm: bool = False
    linear: bool = True  # the linear branch over the context
    smooth: tuple[float, ...] = ()  # steps; a trailing Gaussian mean of the scaled values for each
    slope: tuple[float, ...] = ()  # steps; the trailing slope with those Gaussian weights
    quantiles: tuple[float, ...] | None = None  # None: a point head
    rows: str = "shared"  # what rows share: filters (shared), nothing (separate), or pooled
    n_rows: int | None = None  # rows of the training; needed where they differ
    cross_row: str = "none"  # what rows tell each other after each block: none, mean or dense
    channels: str = "independent"  # or mixed: one state sees all channels and forecasts all targets
    n_targets: int | None = None  # channels forecast; needed where they are mixed
    n_past: int = 0  # channels behind the targets that are seen and not forecast

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetSpec:
        """Build from plain JSON values; raises ConfigError on a key this version does not know."""
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(f"`{unknown[0]}` is not a setting of this version's ForecastNet")
        tuples = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **tuples})

    def check(self) -> None:
        """Raise ConfigError for sizes and choices that no network could have."""
        require_positive(
            horizon=self.horizon, context_length=self.context_length, hidden=self.hidden
        )
        for lag in self.seasonal_lags:
            require_positive(seasonal_lag=lag)
        require_choice("channels", self.channels, CHANNELS)
        if self.channels == "mixed" and self.n_targets is None:
            raise ConfigError("`n_targets` (=None) must be given with `channels` (=mixed)")
        if self.n_past < 0:
            raise ConfigError(f"`n_past` (={self.n_past}) must not be negative")
