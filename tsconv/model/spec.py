"""NetSpec: the plain values that define a network, as a bundle's config.json holds them."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import Tensor

from tsconv.errors import ConfigError, require_choice, require_positive
from tsconv.nn.heads import DISTRIBUTION_HEADS, check_quantiles, check_zero_inflated
from tsconv.nn.rows import ROWS

CHANNELS = ("independent", "mixed")
_APART = ("separate", "pooled")  # maps that differ by row or series
# Bundles of earlier versions have none of these.
_NEW_IN_FILES = ("series", "n_series", "maps", "stack", "head", "zero_inflated")


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
    stack: bool = True  # the convolution stack; False: the linear branch alone
    smooth: tuple[float, ...] = ()  # steps; a trailing Gaussian mean of the scaled values for each
    slope: tuple[float, ...] = ()  # steps; the trailing slope with those Gaussian weights
    quantiles: tuple[float, ...] | None = None  # None: a point head; of a distribution: shown
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
    series: str = "shared"  # what series share where there are no rows, as `rows` says it for rows
    n_series: int | None = None  # series of the training; needed where filters or maps differ
    maps: str | None = None  # what the linear branch's maps share; None: as filters and channels do
    head: str | None = None  # a distribution, see nn/heads/choose.py; None: quantiles, or a point
    zero_inflated: bool = False  # whether more counts are 0 than the distribution says

    @property
    def by_series(self) -> bool:
        """Whether filters or maps differ by series: `row_index` then numbers the series."""
        return self.n_series is not None

    @property
    def n_covariates(self) -> int:
        """Columns by step of `CovariateBatch`, beside the channels."""
        ahead = len(self.future_categories) + self.n_future + 2 * len(self.calendar)
        return len(self.past_categories) + ahead

    @property
    def n_static_covariates(self) -> int:
        """Static columns of `CovariateBatch`."""
        return len(self.static_categories) + self.n_static

    @property
    def filters_by(self) -> dict[str, Any]:
        """What the layers' filters differ by: rows, or series that go through them as rows do."""
        if self.series != "shared":
            return {"n_rows": self.n_series, "rows": self.series}
        return {"n_rows": self.n_rows, "rows": self.rows}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; see `from_dict`.

        >>> NetSpec.from_dict(NetSpec(7, 28, smooth=(2.0,)).as_dict()).smooth
        (2.0,)
        """
        values = dataclasses.asdict(self)
        plain = {f.name: f.default for f in dataclasses.fields(self) if f.name in _NEW_IN_FILES}
        return {k: v for k, v in values.items() if k not in plain or v != plain[k]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetSpec:
        """Build from plain JSON values; raises ConfigError on a key this version does not know."""
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(f"`{unknown[0]}` is not a setting of this version's ForecastNet")
        tuples = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **tuples})

    def check_input(
        self, x: Tensor, mask: Tensor, n_origins: int, row_index: Tensor | None = None
    ) -> None:
        """Raise ConfigError for shapes that no network of this spec takes: (B, C, H, W)."""
        if x.ndim != 4 or x.shape != mask.shape or not 1 <= n_origins <= x.shape[-1]:
            raise ConfigError(
                f"x has shape {tuple(x.shape)} and mask {tuple(mask.shape)}, expected the same "
                f"(B, C, H, W) or (B, C, W) with W >= n_origins (={n_origins})"
            )
        mixed = self.channels == "mixed"
        n_targets = x.shape[1] - self.n_past
        fixed = mixed or self.maps in _APART
        if n_targets < 1 or (fixed and n_targets != self.n_targets):
            wanted = f"{self.n_targets} targets" if fixed else "at least one target"
            raise ConfigError(
                f"x has {x.shape[1]} channels, expected {wanted} and {self.n_past} past-only ones"
            )
        if self.by_series and x.shape[2] != 1:
            raise ConfigError(f"x has {x.shape[2]} rows, but the network takes series without rows")
        if self.by_series and row_index is None and x.shape[0] != self.n_series:
            raise ConfigError(
                f"x has {x.shape[0]} series, the training had {self.n_series}: `row_index` (=None) "
                f"must give the number of each"
            )

    def check(self) -> None:
        """Raise ConfigError for sizes and choices that no network could have."""
        require_positive(
            horizon=self.horizon, context_length=self.context_length, hidden=self.hidden
        )
        for lag in self.seasonal_lags:
            require_positive(seasonal_lag=lag)
        require_choice("channels", self.channels, CHANNELS)
        if not self.stack and not self.linear:
            raise ConfigError("`stack` and `linear` (=False) cannot both be left out")
        if self.channels == "mixed" and self.n_targets is None:
            raise ConfigError("`n_targets` (=None) must be given with `channels` (=mixed)")
        for name in ("n_past", "n_future", "n_static"):
            if getattr(self, name) < 0:
                raise ConfigError(f"`{name}` (={getattr(self, name)}) must not be negative")
        self._check_head()
        self._check_sharing()

    def _check_head(self) -> None:
        """Raise ConfigError for a head that there is not, and for wrong levels."""
        check_zero_inflated(self.head, self.zero_inflated)
        if self.head is not None:
            require_choice("head", self.head, DISTRIBUTION_HEADS)
            check_quantiles(self.quantiles or ())

    def _check_sharing(self) -> None:
        """Raise ConfigError for filters or maps by series that lack a number or a place."""
        require_choice("series", self.series, ROWS)
        require_choice("maps", self.maps or ROWS[0], ROWS)
        if self.series != "shared" and (self.rows, self.cross_row) != ("shared", "none"):
            raise ConfigError(
                f"`series` (={self.series}) is for panels without rows: `rows` (={self.rows}) must "
                f"be shared and `cross_row` (={self.cross_row}) none"
            )
        if self.n_series is not None and self.n_rows is not None:
            raise ConfigError("`n_series` and `n_rows` cannot both be given")
        if self.series != "shared" and self.n_series is None:
            raise ConfigError(f"`n_series` (=None) must be given with `series` (={self.series})")
        if self.maps in _APART:
            if not self.linear:
                raise ConfigError(f"`maps` (={self.maps}) needs `linear` (=True)")
            if (self.n_series or self.n_rows) is None or self.n_targets is None:
                raise ConfigError(
                    f"`n_targets`, and `n_series` or `n_rows`, must be given with `maps` "
                    f"(={self.maps})"
                )
