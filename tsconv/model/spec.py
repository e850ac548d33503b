"""NetSpec: the plain values that define a network, as a bundle's config.json holds them."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import Tensor

from tsconv.errors import ConfigError, require_choice, require_positive

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
    cross_row: str = "none"  # how rows mix after each block: none, mean or dense
    channels: str = "independent"  # or mixed: one state sees all channels and forecasts all targets
    n_targets: int | None = None  # channels forecast; needed where they are mixed
    n_past: int = 0  # channels behind the targets that are seen and not forecast
    past_categories: tuple[int, ...] = ()  # how many values each has, the unknown one apart
    future_categories: tuple[int, ...] = ()
    n_future: int = 0  # numbers that are known over the horizon
    calendar: tuple[str, ...] = ()  # see data/calendar.py; two features each
    static_categories: tuple[int, ...] = ()
    n_static: int = 0  # static numbers

    @property
    def n_covariates(self) -> int:
        """Columns by step of `CovariateBatch`, beside the channels."""
        ahead = len(self.future_categories) + self.n_future + 2 * len(self.calendar)
        return len(self.past_categories) + ahead

    @property
    def n_static_covariates(self) -> int:
        """Static columns of `CovariateBatch`."""
        return len(self.static_categories) + self.n_static

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetSpec:
        """Build from plain JSON values; raises ConfigError on a key this version does not know."""
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(f"`{unknown[0]}` is not a setting of this version's ForecastNet")
        tuples = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **tuples})

    def check_input(self, x: Tensor, mask: Tensor, n_origins: int) -> None:
        """Raise ConfigError for shapes that no network of this spec takes: (B, C, H, W)."""
        if x.ndim != 4 or x.shape != mask.shape or not 1 <= n_origins <= x.shape[-1]:
            raise ConfigError(
                f"x has shape {tuple(x.shape)} and mask {tuple(mask.shape)}, expected the same "
                f"(B, C, H, W) or (B, C, W) with W >= n_origins (={n_origins})"
            )
        mixed = self.channels == "mixed"
        n_targets = x.shape[1] - self.n_past
        if n_targets < 1 or (mixed and n_targets != self.n_targets):
            wanted = f"{self.n_targets} targets" if mixed else "at least one target"
            raise ConfigError(
                f"x has {x.shape[1]} channels, expected {wanted} and {self.n_past} past-only ones"
            )

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
        for name in ("n_past", "n_future", "n_static"):
            if getattr(self, name) < 0:
                raise ConfigError(f"`{name}` (={getattr(self, name)}) must not be negative")
