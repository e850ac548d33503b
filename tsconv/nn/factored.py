"""Factored kernels: a k-dimensional filter as a sequence of 1-D ones (ImageFiltering.jl).

Filtering with the factors in turn equals filtering with their outer product, at a fraction of the
work. Filters correlate. An axis is padded once, by what all its factors need together, so that the
result at the borders is that of the whole filter too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_choice, require_positive

_NOT_CAUSAL = ("reflect", "symmetric", "circular")  # they repeat later steps before the first
BORDERS = ("replicate", "reflect", "symmetric", "circular", "zeros", "valid")


def border_index(length: int, left: int, right: int, border: str) -> Tensor:
    """Return the step that each step of a padded axis repeats: (left + length + right,).

    abc becomes a|abc|c for `replicate`, b|abc|b for `reflect`, a|abc|c and ba|abc|cb for
    `symmetric` (the edge repeated), c|abc|a for `circular`. Any amount of padding works.
    """
    step = torch.arange(-left, length + right)
    if border == "replicate":
        return step.clamp(0, length - 1)
    if border == "circular":
        return step % length
    if border == "symmetric":
        step = step % (2 * length)
        return torch.minimum(step, 2 * length - 1 - step)
    period = max(1, 2 * (length - 1))  # reflect
    step = step % period
    return torch.minimum(step, period - step) if length > 1 else step * 0


class FactoredFilter(nn.Module):
    """Correlate the last axes of x with fixed 1-D factors in turn; the shape of x stays.

    Nothing is learned: the factors are buffers. A factor's origin is its middle, of an even number
    of taps the earlier one. Source: ImageFiltering.jl's `imfilter` with a tuple of kernels.

    Args:
        factors: 1-D tensors of real numbers, in the order in which they are applied.
        axes: the axis of each factor, negative, counted from the last; by default the last
            len(factors) axes in order. Several factors may share an axis.
        border: what stands beyond the ends: `replicate`, `reflect`, `symmetric`, `circular`,
            `zeros`; or `valid`, which pads nothing and returns the inner part.
        causal: factors of the last axis, time, end at the current step, so that they see no later
            one.

    Raises:
        ConfigError: factors that are not 1-D, an unknown border, or one that is not causal where
            `causal` is set; in the forward pass, an axis shorter than its factors where `valid`.

    Examples:
        >>> import torch
        >>> mean_of_two = FactoredFilter([torch.tensor([0.5, 0.5])], causal=True)
        >>> mean_of_two(torch.tensor([[2.0, 4, 8]])).tolist()
        [[2.0, 3.0, 6.0]]
    """

    def __init__(
        self,
        factors: Sequence[Tensor],
        axes: Sequence[int] | None = None,
        border: str = "replicate",
        causal: bool = False,
    ) -> None:
        require_choice("border", border, BORDERS)
        require_positive(factors=len(factors))
        for i, factor in enumerate(factors):
            if not isinstance(factor, Tensor) or not factor.is_floating_point():
                raise ConfigError(f"factor {i} (={factor}) must be a tensor of real numbers")
            if factor.ndim != 1 or not len(factor):
                raise ConfigError(f"factor {i} has shape {tuple(factor.shape)}, expected (taps,)")
        axes = range(-len(factors), 0) if axes is None else axes
        if (
            not isinstance(axes, (tuple, list, range))
            or len(axes) != len(factors)
            or any(not isinstance(axis, int) or axis >= 0 for axis in axes)
        ):
            raise ConfigError(
                f"`axes` (={axes}) must name an axis from the last, -1, -2, ..., for each of "
                f"{len(factors)} factors"
            )
        axes = tuple(axes)
        if causal and -1 in axes and border in _NOT_CAUSAL:
            raise ConfigError(
                f"`border` (={border}) repeats later steps before the first one, so the filter is "
                "not causal: use replicate, zeros or valid"
            )
        super().__init__()
        self.axes, self.border, self.causal = axes, border, causal
        for i, factor in enumerate(factors):
            self.register_buffer(f"factor{i}", factor.detach().clone())

    @property
    def factors(self) -> list[Tensor]:
        """The 1-D factors in the order in which they are applied."""
        return [self.get_buffer(f"factor{i}") for i in range(len(self.axes))]

    def reach(self, axis: int) -> tuple[int, int]:
        """Return how many steps before and after the current one all factors of an axis see."""
        spans = [len(f) - 1 for f, a in zip(self.factors, self.axes, strict=True) if a == axis]
        if self.causal and axis == -1:
            return sum(spans), 0
        return sum(s // 2 for s in spans), sum(s - s // 2 for s in spans)

    def forward(self, x: Tensor) -> Tensor:
        """Filter x: (..., axes) -> the same shape, or the inner part where `border` is `valid`."""
        if not x.is_floating_point():
            raise ConfigError(f"x has type {x.dtype}, expected real numbers: use x.float()")
        if x.ndim < -min(self.axes):
            raise ConfigError(f"x has shape {tuple(x.shape)}, too few axes for {min(self.axes)}")
        for axis in sorted(set(self.axes)):
            x = self._pad(x, axis, *self.reach(axis))
        for factor, axis in zip(self.factors, self.axes, strict=True):
            x = _correlate_axis(x, factor, axis)
        return x

    def _pad(self, x: Tensor, axis: int, left: int, right: int) -> Tensor:
        length = x.shape[axis]
        if length < 1 or (self.border == "valid" and length <= left + right):
            raise ConfigError(
                f"axis {axis} has {length} steps, too short for factors that see {left} before "
                f"and {right} after each"
            )
        if self.border == "valid" or left == right == 0:
            return x
        if self.border == "zeros":
            return F.pad(x, (0, 0) * (-axis - 1) + (left, right))
        index = border_index(length, left, right, self.border).to(x.device)
        return x.index_select(axis, index)


def _correlate_axis(x: Tensor, taps: Tensor, axis: int) -> Tensor:
    """Correlate one axis of x with 1-D taps, without padding."""
    x = x.movedim(axis, -1)
    flat = x.unsqueeze(0).flatten(0, -2).unsqueeze(1)  # (all other axes, 1, W)
    out = F.conv1d(flat, taps.to(x.dtype).reshape(1, 1, -1))
    return out.reshape(*x.shape[:-1], out.shape[-1]).movedim(-1, axis)


def factorize(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Split a separable matrix into a column and a row whose outer product it is.

    From its singular value decomposition, sqrt(s) u and sqrt(s) v. Source: ImageFiltering.jl's
    `factorkernel`, which compares singular values with sqrt(eps) itself; here they are compared
    with sqrt(eps) times the first one, so that the matrix' scale does not matter.

    Args:
        matrix: (rows, columns), float32 or float64.

    Returns:
        The column (rows,) and the row (columns,); the column's largest entry is positive.

    Raises:
        ConfigError: the matrix is not separable (its second singular value is above sqrt(eps) of
            the first), not a finite matrix, or of another type.

    Examples:
        >>> import torch
        >>> column, row = factorize(torch.outer(torch.tensor([1.0, 2]), torch.tensor([3.0, 4, 5])))
        >>> torch.outer(column, row).round(decimals=4).tolist()
        [[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]]
    """
    if not isinstance(matrix, Tensor) or matrix.dtype not in (torch.float32, torch.float64):
        raise ConfigError("`matrix` must be a tensor of type float32 or float64")
    if matrix.ndim != 2 or not matrix.numel():
        raise ConfigError(f"the matrix has shape {tuple(matrix.shape)}, expected (rows, columns)")
    if not matrix.isfinite().all():
        raise ConfigError("the matrix has entries that are not finite")
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    tolerance = math.sqrt(torch.finfo(matrix.dtype).eps)
    if len(s) > 1 and s[1] > tolerance * s[0]:
        raise ConfigError(
            f"the matrix is not separable: its second singular value is {float(s[1] / s[0]):.3g} "
            f"of the first, which must be below sqrt(eps) = {tolerance:.3g}"
        )
    column, row = u[:, 0], vh[0]
    sign = torch.sign(column[column.abs().argmax()])
    return s[0].sqrt() * sign * column, s[0].sqrt() * sign * row


def gaussian(
    sigma: float, length: int | None = None, order: int = 0, causal: bool = False
) -> Tensor:
    """Return the taps of a Gaussian (order 0) or of its derivative (order 1), in float64.

    Order 0 sums to 1, so that a constant stays; order 1 sums to 0 and turns a ramp of slope 1 into
    1. Source: ImageFiltering.jl's `KernelFactors.gaussian`.

    Args:
        sigma: standard deviation in steps, not seconds.
        length: taps, odd unless `causal`; by default 4 ceil(sigma) + 1, or 2 ceil(sigma) + 1 where
            `causal`.
        order: 0 for the Gaussian, 1 for its derivative.
        causal: return the half that looks back, its last tap for the current step; order 1 is then
            the slope of the line fitted with the weights of order 0.

    Raises:
        ConfigError: sigma is not above 0, another order, or a length that does not fit.

    Examples:
        >>> gaussian(1.0, length=3).round(decimals=3).tolist()
        [0.274, 0.452, 0.274]
    """
    if isinstance(sigma, bool) or not isinstance(sigma, (int, float)) or not 0 < sigma < 1e9:
        raise ConfigError(f"`sigma` (={sigma}) must be a number above 0 and below 1e9")
    if order not in (0, 1):
        raise ConfigError(f"`order` (={order}) must be 0, a Gaussian, or 1, its derivative")
    if length is None:
        length = (2 if causal else 4) * math.ceil(sigma) + 1
    require_positive(length=length)
    if length < 1 + order or (length % 2 == 0 and not causal):
        raise ConfigError(f"`length` (={length}) must be odd, and above 1 for a derivative")
    step = torch.arange(length, dtype=torch.float64) - (length - 1 if causal else length // 2)
    weight = torch.exp(-0.5 * (step / sigma) ** 2)
    weight = weight / weight.sum()
    if order == 0:
        return weight
    centred = step - (weight * step).sum()
    spread = (weight * centred**2).sum()
    if not spread > 1e-200:
        raise ConfigError(f"`sigma` (={sigma}) is too small for a derivative: it sees one step")
    return weight * centred / spread
