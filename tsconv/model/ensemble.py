"""EnsembleNet: several networks that forecast as one, by the average of their quantiles.

It has the interface of ForecastNet, so that whoever scores, stores or forecasts with a network need
not know how many there are. Each member looks back as far as it was built to, and each is causal:
so is their average.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError
from tsconv.model.covariate_branch import require_covariates
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.network import ForecastNet
from tsconv.model.prediction import Prediction
from tsconv.model.spec import NetSpec

# What is the same in all networks of an ensemble: what goes in and what comes out.
_ALIKE = (
    "horizon", "head", "zero_inflated", "quantiles", "n_past", "past_categories",
    "future_categories", "n_future", "static_categories", "n_static",
)  # fmt: skip
_ALIKE_WHERE_GIVEN = ("n_targets", "n_rows", "n_series")


class EnsembleNet(nn.Module):
    """Averages the quantiles of some networks, in the units of the data, at every origin.

    The networks may differ in size, context, features of the calendar, and in what rows, series and
    channels share; they agree in the horizon, the quantiles, the channels and the covariates. A
    network counts at an origin where its own context holds an observation, and for the rows and
    series that it can forecast: a separate one leaves what it has never seen to the others.

    Args:
        nets: one or more networks.
        weights: one number above 0 for each network, of any sum; None: all alike.

    Raises:
        ConfigError: the networks do not go together, or the weights are not such numbers.

    >>> import torch
    >>> short = ForecastNet(NetSpec(horizon=7, context_length=28, hidden=8))
    >>> long = ForecastNet(NetSpec(horizon=7, context_length=56, hidden=4))
    >>> ensemble = EnsembleNet([short, long])
    >>> x = torch.randn(4, 1, 100)
    >>> ensemble(x, torch.ones_like(x), n_origins=50).values().shape
    torch.Size([4, 1, 50, 7, 1])
    >>> ensemble.spec.context_length
    56
    """

    def __init__(self, nets: Sequence[ForecastNet], weights: Sequence[float] | None = None) -> None:
        super().__init__()
        weights = [1.0] * len(nets) if weights is None else [float(w) for w in weights]
        if len(weights) != len(nets) or not all(0 < w < math.inf for w in weights):
            raise ConfigError(
                f"`weights` (={weights}) must be a number above 0 for each of {len(nets)} networks"
            )
        self.spec = joined_spec([net.spec for net in nets])
        self.weights = tuple(weights)
        self.nets = nn.ModuleList(nets)
        self.training = any(net.training for net in nets)  # else scoring would bring dropout back
        self._columns = [_columns(net.spec, self.spec) for net in nets]

    @property
    def members(self) -> tuple[ForecastNet, ...]:
        """The networks, in the order of the weights."""
        return tuple(cast(ForecastNet, net) for net in self.nets)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the last axis of a prediction, by default; (0.5,) for point heads."""
        return self.members[0].quantiles

    @property
    def has_distribution(self) -> bool:
        """Whether the heads are distributions: they then give any level, and a mean."""
        return self.members[0].has_distribution

    @property
    def whole(self) -> bool:
        """Whether forecasts are counts, whose levels lie between whole numbers."""
        return self.members[0].whole

    @property
    def by_series(self) -> bool:
        """Whether some network differs by series: `row_index` then numbers a batch's series."""
        return self.spec.by_series

    @property
    def receptive_field(self) -> int:
        """Steps that the widest convolution stack sees, the origin's own included."""
        return max(net.receptive_field for net in self.members)

    @property
    def history(self) -> int:
        """Steps before an origin on which its forecast depends."""
        return max(net.history for net in self.members)

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        n_origins: int = 1,
        row_index: Tensor | None = None,
        covariates: CovariateBatch | None = None,
        quantiles: Sequence[float] | None = None,
        stride: int = 1,
    ) -> Prediction:
        """The arguments of `ForecastNet`; `covariates` has the calendar of `spec`.

        The prediction's `mu` and `sigma` are the averages of the networks' own, its `n_observed`
        is the largest.
        """
        sums: list[Tensor] = []
        n_observed: Tensor | None = None
        of_members = self.member_inputs(x, mask, row_index, covariates)
        for net, weight, (seen, rows, given) in zip(
            self.members, self.weights, of_members, strict=True
        ):
            out = net(x, seen, n_origins, rows, given, quantiles, stride)
            terms = _weighted(out, weight)
            sums = [a + b for a, b in zip(sums, terms, strict=True)] if sums else terms
            found = out.n_observed
            n_observed = found if n_observed is None else torch.maximum(n_observed, found)
        assert n_observed is not None  # there is a network
        return _averaged(sums, n_observed, self.has_distribution)

    def member_inputs(
        self,
        x: Tensor,
        mask: Tensor,
        row_index: Tensor | None = None,
        covariates: CovariateBatch | None = None,
    ) -> list[tuple[Tensor, Tensor | None, CovariateBatch | None]]:
        """For each network its mask, its numbers of rows or series, and its covariates.

        The arguments are those of `forward`. Raises ConfigError where the covariates do not fit.
        """
        if self.spec.n_covariates + self.spec.n_static_covariates:
            require_covariates(self.spec, covariates, x.unsqueeze(2) if x.ndim == 3 else x)
        return [
            (*self._known(net.spec, mask, row_index), _taken(covariates, columns))
            for net, columns in zip(self.members, self._columns, strict=True)
        ]

    def _known(
        self, spec: NetSpec, mask: Tensor, row_index: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """A network's mask, without the rows or series that it cannot forecast, and its numbers.

        It needs no numbers of series where it does not differ by them.
        """
        if row_index is None or spec.by_series != self.spec.by_series:
            return mask, None
        if not _is_separate(spec) or _is_separate(self.spec):
            return mask, row_index
        seen = (row_index >= 0).to(mask.dtype)
        axes = mask.ndim - 1 if spec.by_series else 1  # behind that of the series, or of the rows
        return mask * seen.view(-1, *[1] * axes), row_index.clamp_min(0)


Network = ForecastNet | EnsembleNet  # what scores, stores and forecasts take


def members_of(net: Network, series: Tensor, row_index: Tensor | None) -> Tensor | None:
    """The `row_index` that a network takes with a batch of some series of a panel.

    series: (B,) their numbers in the panel. row_index: that of the panel's rows, or, where the
    network differs by series, of its series; None: those of the training, in order.
    """
    if not net.by_series:
        return row_index
    return series if row_index is None else row_index.to(series.device)[series]


def joined_spec(specs: Sequence[NetSpec]) -> NetSpec:
    """What networks take and give together: the longest context, the calendar of all.

    Rows, series and maps are separate only where no network can forecast what was never seen; rows
    are mixed densely where one network needs all of them. Sizes are those of the network with the
    longest context. Raises ConfigError where the networks do not go together.

    >>> specs = [NetSpec(3, 8, calendar=("hour",)), NetSpec(3, 16, calendar=("weekday", "hour"))]
    >>> joined_spec(specs).calendar
    ('hour', 'weekday')
    """
    if not specs:
        raise ConfigError("an ensemble needs at least one network")
    for name in _ALIKE:
        _agreed(specs, name, [getattr(spec, name) for spec in specs])
    given = {
        name: _agreed(specs, name, [v for s in specs if (v := getattr(s, name)) is not None])
        for name in _ALIKE_WHERE_GIVEN
    }
    able = not all(_is_separate(spec) for spec in specs)
    mixing, channels = ([getattr(s, name) for s in specs] for name in ("cross_row", "channels"))
    return dataclasses.replace(
        max(specs, key=lambda spec: spec.context_length),
        rows=_sharing([spec.rows for spec in specs], able) or "shared",
        series=_sharing([spec.series for spec in specs], able) or "shared",
        maps=_sharing([spec.maps for spec in specs], able),
        cross_row=next(kind for kind in ("dense", "mean", "none") if kind in mixing),
        channels="mixed" if "mixed" in channels else "independent",
        calendar=tuple(dict.fromkeys(name for spec in specs for name in spec.calendar)),
        **given,
    )


def _is_separate(spec: NetSpec) -> bool:
    """Whether the network has nothing to forecast a row or series with that it has never seen."""
    return "separate" in (spec.rows, spec.series, spec.maps)


def _sharing(values: Sequence[str | None], able: bool) -> str | None:
    """What is shared in all; able: whether some network can forecast what was never seen."""
    if len(set(values)) == 1:
        return values[0]
    if "separate" in values and not able:
        return "separate"
    return "pooled" if {"separate", "pooled"} & set(values) else "shared"


def _agreed(specs: Sequence[NetSpec], name: str, values: Sequence[Any]) -> Any:
    """The one value of all networks; None where none has any. Raises ConfigError for several."""
    for value in values:
        if value != values[0]:
            raise ConfigError(
                f"the {len(specs)} networks of an ensemble must have the same `{name}`: one has "
                f"{values[0]}, another {value}"
            )
    return values[0] if values else None


def _columns(spec: NetSpec, joined: NetSpec) -> list[int] | None:
    """The columns by step that a network takes of those of all; None: all of them."""
    first = joined.n_covariates - 2 * len(joined.calendar)
    places = [joined.calendar.index(name) for name in spec.calendar]
    columns = [*range(first), *(first + 2 * place + i for place in places for i in (0, 1))]
    return None if columns == [*range(joined.n_covariates)] else columns


def _taken(covariates: CovariateBatch | None, columns: list[int] | None) -> CovariateBatch | None:
    if covariates is None or columns is None:
        return covariates
    values, seen = (v[:, columns] for v in (covariates.values, covariates.seen))
    return covariates._replace(values=values, seen=seen)


def _weighted(out: Prediction, weight: float) -> list[Tensor]:
    """What is added up: the weight, mu, sigma, and in units of x each quantile and the mean."""
    used = weight * (out.n_observed > 0).to(out.mu.dtype)  # (B, T, H, O)
    mu, sigma, each = (v.unsqueeze(-1) for v in (out.mu, out.sigma, used))
    values = out.levels if out.mean is None else (*out.levels, out.mean)
    return [used, used * out.mu, used * out.sigma, *(each * (mu + sigma * v) for v in values)]


def _averaged(sums: list[Tensor], n_observed: Tensor, has_mean: bool) -> Prediction:
    """The prediction whose values are the weighted averages; see `_weighted` for the sums.

    Where no context has a spread, every quantile is the average of the means, as mu is.
    """
    total = torch.where(sums[0] > 0, sums[0], 1)
    mu, sigma = (v / total for v in sums[1:3])
    varies = sigma > torch.finfo(sigma.dtype).tiny  # else its inverse is not finite
    sigma, inverse = torch.where(varies, sigma, 0), torch.where(varies, 1 / sigma, 0)
    levels = [
        (v / total.unsqueeze(-1) - mu.unsqueeze(-1)) * inverse.unsqueeze(-1) for v in sums[3:]
    ]
    mean = levels.pop() if has_mean else None
    return Prediction(tuple(levels), mu, sigma, inverse, n_observed, mean)
