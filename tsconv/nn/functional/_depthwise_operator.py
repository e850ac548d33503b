"""The depthwise convolution as one operator, which is what torch.compile traces.

A tracer decomposes the operator with the gradients of `_depthwise_function`. Tracing those without
an operator would make torch.compile warn about the autograd Function, and marking the Function as
allowed would import torch._dynamo, which takes a second, for everybody who imports a layer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tsconv.nn.functional._depthwise_function import depthwise_with_gradients


def source_hash(folder: Path) -> str:
    """Twelve hexadecimal digits that change with any Python file of the folder."""
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return hashlib.sha256(sources).hexdigest()[:12]


# Inductor caches compiled code on disk by the operator's name alone. The name therefore changes
# with this package's code: otherwise a new version would run code that an old one compiled.
OPERATOR_NAME = f"depthwise_{source_hash(Path(__file__).parent)}"

_open_library: Any = torch.library.Library  # PyTorch leaves it untyped
_LIBRARY = _open_library("tsconv", "FRAGMENT")
_LIBRARY.define(
    f"{OPERATOR_NAME}(Tensor x, Tensor weight, Tensor? bias, SymInt left, SymInt right,"
    " SymInt dilation) -> Tensor"
)


def _decompose(
    x: Tensor, weight: Tensor, bias: Tensor | None, left: int, right: int, dilation: int
) -> Tensor:
    return depthwise_with_gradients(x, weight, bias, left, right, dilation, True)


_LIBRARY.impl(OPERATOR_NAME, _decompose, "CompositeImplicitAutograd")

# (x, weight, bias, left, right, dilation) as `depthwise_with_gradients` takes them.
depthwise_operator: Callable[[Tensor, Tensor, Tensor | None, int, int, int], Tensor] = getattr(
    torch.ops.tsconv, OPERATOR_NAME
)
