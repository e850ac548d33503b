"""Which head a network has, by the name that a config gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tsconv.errors import ConfigError, require_choice
from tsconv.nn.heads.count import NegativeBinomialHead, PoissonHead
from tsconv.nn.heads.head import Head
from tsconv.nn.heads.point import PointHead
from tsconv.nn.heads.quantile import QuantileHead
from tsconv.nn.heads.real import NormalHead, StudentTHead

_REAL = {"normal": NormalHead, "student_t": StudentTHead}
_COUNT = {"negative_binomial": NegativeBinomialHead, "poisson": PoissonHead}
COUNT_HEADS = tuple(_COUNT)
DISTRIBUTION_HEADS = (*_REAL, *_COUNT)
HEADS = ("quantile", "point", *DISTRIBUTION_HEADS)


def make_head(
    kind: str | None,
    channels: int,
    horizon: int,
    quantiles: Sequence[float] | None,
    zero_inflated: bool = False,
    **by_row: Any,
) -> Head:
    """Build a head by its kind.

    kind: one of `DISTRIBUTION_HEADS`; None: a `QuantileHead`, or a `PointHead` where there are no
    quantiles. zero_inflated: of the heads of counts. by_row: `n_rows` and `rows` of the head.
    Raises ConfigError for what does not go together.

    >>> type(make_head("student_t", 4, 7, [0.5])).__name__
    'StudentTHead'
    """
    check_zero_inflated(kind, zero_inflated)
    if kind is None:
        if quantiles is None:
            return PointHead(channels, horizon, **by_row)
        return QuantileHead(channels, horizon, quantiles, **by_row)
    require_choice("head", kind, DISTRIBUTION_HEADS)
    levels = quantiles or ()
    if kind in _COUNT:
        return _COUNT[kind](channels, horizon, levels, zero_inflated=zero_inflated, **by_row)
    return _REAL[kind](channels, horizon, levels, **by_row)


def check_zero_inflated(kind: str | None, zero_inflated: bool) -> None:
    """Raise ConfigError where a head other than those of counts is to be zero-inflated.

    >>> check_zero_inflated("poisson", True)
    """
    if zero_inflated and kind not in COUNT_HEADS:
        raise ConfigError(
            f"`head.zero_inflated` (=True) is for counts: set head={' or head='.join(COUNT_HEADS)},"
            f" or leave it out with head={kind or 'quantile'}"
        )
