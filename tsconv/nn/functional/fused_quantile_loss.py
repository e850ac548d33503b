"""The quantile loss of a linear head, with the gradients computed beside the loss, in blocks.

A loss is a sum, so the gradient of each term is known once the term is. Computing both in one pass
shares one exponential between each softplus and its derivative; doing so for one block of origins
after another keeps what the head gives, Q numbers for each horizon step of each origin, in the
processor's cache, and never in memory. The same is done for the cross entropy of language models,
see Hsu et al. 2024, arXiv 2410.10989. The readable form is
`fused_quantile_loss_reference`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

# Origins of a block, about: its raw outputs stay in the cache of a CPU, and keep a GPU busy.
_BLOCK_ORIGINS, _BLOCK_ORIGINS_ELSEWHERE = 1024, 2**16
# The block's loop is one long expression, of which a compiler would keep parts in memory.
_ONE_LOOP: dict[str, str | int | bool | Callable[..., Any]] = {
    "realize_opcount_threshold": 10**6,
    "realize_reads_threshold": 10**4,
}


class OriginUnits(NamedTuple):
    """The units of each origin's forecasts, for T targets of each of O origins.

    An error is `(target - shift) * factor - scale * level`, and counts `weight`.
    """

    shift: Tensor  # (..., O, T, 1)
    factor: Tensor  # (..., O, T, 1)
    scale: Tensor  # (..., O, T, 1), at least 0
    weight: Tensor  # (..., O, T, 1)


def fused_quantile_loss(
    state: Tensor,
    weight: Tensor,
    bias: Tensor,
    centre: Tensor,
    target: Tensor,
    mask: Tensor,
    units: OriginUnits,
    quantiles: Sequence[float],
    spread: Tensor | None = None,
    compiling: bool = False,
) -> Tensor:
    """Return the sum over all targets of the quantile loss of `QuantileHead`'s forecasts.

    The levels are the centre plus the median's output, and steps away from it that are a softplus
    each; the loss of an error is the mean over levels of twice the pinball loss. Products run in
    the type of autocast where it is on. Gradients flow to state, weight, bias, centre and spread,
    once.

    Args:
        state: (..., O, C) what the head sees.
        weight, bias: (Q * T * horizon, C) and (Q * T * horizon,) of the head's map.
        centre: (..., O, T, horizon), T targets being forecast from one state.
        target: (..., T, O - 1 + horizon) those after the first origin.
        mask: as target, what each of them counts.
        units: of the errors.
        quantiles: Q levels that rise and include 0.5.
        spread: (..., O, T, horizon), added to each step between quantiles before its softplus.
        compiling: compile what is done with a block.

    Examples:
        >>> state, one = torch.ones(1, 1, 1), torch.ones(1, 1, 1, 1)
        >>> head = torch.zeros(3, 1), torch.zeros(3)
        >>> units = OriginUnits(0 * one, one, one, one)
        >>> fused_quantile_loss(state, *head, one, 4 * one[0], one[0], units, (0.1, 0.5, 0.9))
        tensor(2.6303)
    """
    apply: Callable[..., Tensor] = _FusedQuantileLoss.apply  # PyTorch leaves it untyped
    constants = target, mask, units, tuple(quantiles), compiling
    return apply(state, weight, bias, centre, spread, *constants)


class _FusedQuantileLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        state: Tensor,
        weight: Tensor,
        bias: Tensor,
        centre: Tensor,
        spread: Tensor | None,
        target: Tensor,
        mask: Tensor,
        units: OriginUnits,
        quantiles: tuple[float, ...],
        compiling: bool,
    ) -> Tensor:
        kind, dtype = state.device.type, state.dtype
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        block = _compiled_block() if compiling else _block
        narrow_weight = weight.to(dtype)
        origins = _BLOCK_ORIGINS if kind == "cpu" else _BLOCK_ORIGINS_ELSEWHERE
        axis, size = _block_axis(state.shape[:-1], origins)
        total = bias.new_zeros(())
        of_weight, of_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        of_state, of_centre = torch.empty_like(state), torch.empty_like(centre)
        of_spread = None if spread is None else torch.empty_like(spread)
        for first in range(0, state.shape[axis], size):
            count = min(size, state.shape[axis] - first)

            def part(v: Tensor, first: int = first, count: int = count) -> Tensor:
                return v.narrow(axis, first, count)

            found = block(
                part(state).to(dtype),
                narrow_weight,
                bias,
                part(centre),
                None if spread is None else part(spread),
                part(target),
                part(mask),
                OriginUnits(*map(part, units)),
                quantiles,
            )
            total += found.loss
            of_weight += found.weight
            of_bias += found.bias
            part(of_state).copy_(found.state)
            part(of_centre).copy_(found.centre)
            if of_spread is not None and found.spread is not None:
                part(of_spread).copy_(found.spread)
        ctx.save_for_backward(of_state, of_weight, of_bias, of_centre, of_spread)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        given = [None if v is None else v * grad.to(v.dtype) for v in ctx.saved_tensors]
        return (*given, *[None] * 5)


def _block_axis(lead: torch.Size, origins: int) -> tuple[int, int]:
    """Along which of the axes (..., O) blocks of so many origins lie, and how long they are there.

    All blocks have the same shape where that is possible, since each shape is compiled.
    """
    *outer, _ = lead
    axis = max(range(len(outer)), key=lambda i: outer[i])
    each = lead.numel() // max(1, outer[axis])
    most = max(1, origins // max(1, each))
    return axis, max(n for n in range(1, min(most, outer[axis]) + 1) if outer[axis] % n == 0)


class _Found(NamedTuple):
    """The loss of a block, and its derivatives."""

    loss: Tensor
    state: Tensor  # (..., O, C)
    weight: Tensor
    bias: Tensor
    centre: Tensor  # (..., O, T, horizon)
    spread: Tensor | None


@functools.cache
def _compiled_block() -> Callable[..., _Found]:
    return torch.compile(_block, dynamic=False, options=_ONE_LOOP)


def _block(
    state: Tensor,
    weight: Tensor,
    bias: Tensor,
    centre: Tensor,
    spread: Tensor | None,
    target: Tensor,
    mask: Tensor,
    units: OriginUnits,
    quantiles: tuple[float, ...],
) -> _Found:
    n, each = len(quantiles), centre.shape[-2:]
    middle = quantiles.index(0.5)
    wide = torch.promote_types(centre.dtype, torch.float32)
    raw = F.linear(state, weight)  # (..., O, Q * T * horizon)
    outputs = [
        torch.unflatten(r, -1, each).to(wide) + torch.unflatten(b, -1, each)
        for r, b in zip(raw.chunk(n, -1), bias.chunk(n, -1), strict=True)
    ]  # Q of (..., O, T, horizon)
    if spread is not None:
        outputs = [r if q == middle else r + spread for q, r in enumerate(outputs)]
    steps, rises = zip(*(_softplus(r) for r in outputs), strict=True)  # the middle's are not used
    levels = [centre.to(wide) + outputs[middle]] * n
    for q in range(middle - 1, -1, -1):
        levels[q] = levels[q + 1] - steps[q]
    for q in range(middle + 1, n):
        levels[q] = levels[q - 1] + steps[q]
    y = (_windows(target, each[1]) - units.shift) * units.factor
    share = _windows(mask, each[1]) * units.weight * (2 / n)
    loss = torch.zeros_like(levels[0])
    unit = share * units.scale
    by_level = []  # derivatives of the loss by each level
    for level, forecast in zip(quantiles, levels, strict=True):
        error = y - units.scale * forecast
        loss = loss + torch.maximum(level * error, (level - 1) * error)
        by_level.append(((error < 0).to(wide) - level) * unit)
    below = above = torch.zeros_like(levels[0])
    slopes = [below] * n  # derivatives by each output
    for q in range(middle):  # a step below the middle moves its level and all that are lower
        below = below + by_level[q]
        slopes[q] = -below * rises[q]
    for q in range(n - 1, middle, -1):
        above = above + by_level[q]
        slopes[q] = above * rises[q]
    slopes[middle] = below + by_level[middle] + above
    of_spread = None
    if spread is not None:
        of_spread = sum((v for q, v in enumerate(slopes) if q != middle), torch.zeros_like(loss))
    flat = torch.cat([v.to(state.dtype).flatten(-2) for v in slopes], -1).flatten(0, -2)
    return _Found(
        loss=(loss * share).sum(-1).sum(),
        state=torch.mm(flat, weight).view(state.shape),
        weight=torch.mm(flat.t(), state.flatten(0, -2)),
        bias=torch.mm(flat.new_ones(1, len(flat)), flat)[0],
        centre=slopes[middle].to(centre.dtype),
        spread=of_spread,
    )


def _windows(v: Tensor, horizon: int) -> Tensor:
    """What follows each origin, a view: (..., T, O - 1 + horizon) -> (..., O, T, horizon)."""
    return v.unfold(-1, horizon, 1).transpose(-3, -2)


def _softplus(x: Tensor) -> tuple[Tensor, Tensor]:
    """log(1 + exp(x)) and its derivative, from one exponential."""
    e = torch.exp(-x.abs())
    inverse = 1 / (1 + e)
    # log1p would cost twice as much, and gain less than a millionth
    return x.clamp_min(0) + torch.log(1 + e), torch.where(x < 0, e * inverse, inverse)
