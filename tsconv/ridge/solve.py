"""Ridge regression from Gram matrices: one Cholesky factor for each map.

Factors are taken one by one: a batched float64 `linalg.solve` fails in MKL on some processors.
Source: Hoerl & Kennard 1970; conjugate gradients for missing targets, Hestenes & Stiefel 1952.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.ridge.gram import Gaps

_TOLERANCE = 1e-11  # of the residual beside the right-hand side
_MOST_ROUNDS = 100


def ridge(uu: Tensor, ur: Tensor, strength: float, towards: Tensor | None = None) -> Tensor:
    """The map a (K, horizon) that minimises |u a - r|^2 + penalty |a - towards|^2.

    Args:
        uu, ur: (K, K) and (K, horizon) sums of products, float64.
        strength: the penalty in units of the mean of uu's diagonal.
        towards: (K, horizon) the map to shrink towards; None: zero.

    A uu of zeros gives `towards`; nothing else is singular, as strength is positive.

    >>> ridge(torch.eye(2).double(), torch.ones(2, 1).double(), strength=1.0).flatten()
    tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    factor = _factor(uu, strength)
    start = torch.zeros_like(ur) if towards is None else towards
    if factor is None:
        return start
    return start + torch.cholesky_solve(ur - uu @ start, factor)


def _factor(uu: Tensor, strength: float) -> Tensor | None:
    """The Cholesky factor of uu with its penalty; None where all of uu is zero."""
    penalty = strength * float(uu.diagonal().mean())
    if not penalty > 0:
        return None
    eye = torch.eye(len(uu), dtype=uu.dtype)
    factor: Tensor = torch.linalg.cholesky(uu + penalty * eye)
    return factor


def refine(
    start: Tensor,
    uu: Tensor,
    ur: Tensor,
    strength: float,
    gaps: Sequence[Gaps],
    towards: Tensor | None = None,
) -> Tensor:
    """The exact ridge solution where targets are missing, by preconditioned conjugate gradients.

    Each horizon step has the equations of its own targets, so that its matrix is uu less the
    products of the origins where it is missing. `_factor` of uu, which all steps share, is the
    preconditioner: a few rounds do where few targets are missing.

    Args:
        start: (K, horizon), where to begin.
        uu, ur, strength, towards: as `ridge` takes them; ur without what is missing.
        gaps: the origins with missing targets.
    """
    factor = _factor(uu, strength)
    if factor is None:
        return start
    penalty = strength * float(uu.diagonal().mean())

    def product(a: Tensor) -> Tensor:
        out = uu @ a + penalty * a
        for some in gaps:
            out -= (some.u.T @ (some.absent * (some.u @ a.to(some.u)))).double()
        return out

    right = ur if towards is None else ur + penalty * towards
    a, residual = start, right - product(start)
    limit = _TOLERANCE * right.norm(dim=0).clamp_min(1e-300)
    direction = z = torch.cholesky_solve(residual, factor)
    size = (residual * z).sum(0)
    for _ in range(_MOST_ROUNDS):
        if bool((residual.norm(dim=0) <= limit).all()):
            break
        moved = product(direction)
        step = _ratio(size, (direction * moved).sum(0))
        a = a + step * direction
        residual = residual - step * moved
        z = torch.cholesky_solve(residual, factor)
        size, before = (residual * z).sum(0), size
        direction = z + _ratio(size, before) * direction
    return a


def _ratio(over: Tensor, under: Tensor) -> Tensor:
    return torch.where(under > 0, over / torch.where(under > 0, under, 1), 0)
