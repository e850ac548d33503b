"""Heads: from a state to a point forecast, to quantiles that cannot cross, or to a distribution."""

from tsconv.nn.heads.choose import (
    COUNT_HEADS,
    DISTRIBUTION_HEADS,
    HEADS,
    check_zero_inflated,
    make_head,
)
from tsconv.nn.heads.count import (
    NegativeBinomial,
    NegativeBinomialHead,
    Poisson,
    PoissonHead,
    ZeroInflatedNegativeBinomial,
    ZeroInflatedPoisson,
)
from tsconv.nn.heads.head import Head, check_levels, check_quantiles
from tsconv.nn.heads.point import PointHead
from tsconv.nn.heads.quantile import QuantileHead
from tsconv.nn.heads.real import Normal, NormalHead, StudentT, StudentTHead

__all__ = [
    "COUNT_HEADS",
    "DISTRIBUTION_HEADS",
    "HEADS",
    "Head",
    "NegativeBinomial",
    "NegativeBinomialHead",
    "Normal",
    "NormalHead",
    "PointHead",
    "Poisson",
    "PoissonHead",
    "QuantileHead",
    "StudentT",
    "StudentTHead",
    "ZeroInflatedNegativeBinomial",
    "ZeroInflatedPoisson",
    "check_levels",
    "check_quantiles",
    "check_zero_inflated",
    "make_head",
]
