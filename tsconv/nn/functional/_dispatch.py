"""Which form of an operation may run on a tensor: ours, written for a CPU, or PyTorch's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad


def suits_cpu_kernels(x: Tensor) -> bool:
    """Whether x is on a CPU in float32 or float64; narrower types run faster in PyTorch's own."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def transforms_active() -> bool:
    """Whether torch.func, vmap or forward-mode AD is active, which need PyTorch's operators."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def suits_row_products(x: Tensor) -> bool:
    """Whether `rowwise_gemm` may run; everything else takes PyTorch's operators."""
    return (
        suits_cpu_kernels(x)
        and not torch.compiler.is_exporting()
        and not torch.is_autocast_enabled("cpu")
        and (torch.compiler.is_compiling() or not transforms_active())
    )
