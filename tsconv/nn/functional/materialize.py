"""A tensor that compiled code writes to memory once, where it would compute it for every reader.

Torch's compiler puts an elementwise expression into each loop that reads it. A block's output is
read once for each tap of the next block, so that its activation would be computed three times, and
taps that lie apart in memory would be fetched one by one for every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_open_library: Any = torch.library.Library  # PyTorch leaves it untyped
_LIBRARY = _open_library("tsconv", "FRAGMENT")
_LIBRARY.define("materialize(Tensor x) -> Tensor", tags=torch.Tag.pt2_compliant_tag)
_operator: Callable[[Tensor], Tensor] = torch.ops.tsconv.materialize
_LIBRARY.impl("materialize", torch.clone, "CompositeExplicitAutograd")


class _Materialize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return _operator(x)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return grad


def materialized(x: Tensor) -> Tensor:
    """Return x; code compiled for a CPU computes it once, for all that read it.

    >>> materialized(torch.ones(2))
    tensor([1., 1.])
    """
    if not torch.compiler.is_compiling() or x.device.type != "cpu":
        return x
    apply: Callable[[Tensor], Tensor] = _Materialize.apply
    return apply(x)


def lower_materialize() -> None:
    """Let torch's compiler keep such a tensor instead of copying it; call it before compiling.

    Where a version of the compiler has no such means, a copy is made.
    """
    try:
        from torch._inductor.ir import ExternKernel
        from torch._inductor.lowering import clone, lowerings, register_lowering
    except ImportError:
        return
    operator = torch.ops.tsconv.materialize.default
    if operator in lowerings:
        return

    @register_lowering(operator, type_promotion_kind=None)
    def _(x: Any) -> Any:
        x.realize()
        # else it might be laid out as its readers' other tensors are: taps apart again
        return clone(ExternKernel.require_contiguous(x))
