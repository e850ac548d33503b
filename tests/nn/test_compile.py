"""Every layer compiles in one graph, exports for any length, and warns of nothing."""

import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from tsconv.nn import (
    CausalConv1d,
    Conv1d,
    Conv2d,
    DepthwiseConv1d,
    DepthwiseConv2d,
    FactoredFilter,
    RowwiseConv1d,
    RowwiseSeparableConv1d,
    SeparableConv1d,
    SeparableConv2d,
    TemporalConvNet,
    gaussian,
    puzzlelib_conv1d,
)

FLAT, ROWS = (2, 4, 24), (2, 4, 3, 24)
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "CausalConv1d": (lambda: CausalConv1d(4, 6, 3, dilation=2), FLAT),
    "Conv1d same stride": (lambda: Conv1d(4, 6, 4, 2, "same", groups=2), FLAT),
    "Conv2d": (lambda: Conv2d(4, 6, (2, 3), padding="causal"), ROWS),
    "puzzlelib_conv1d": (lambda: puzzlelib_conv1d(4, 6, 3, pad=2), FLAT),
    "DepthwiseConv1d causal": (lambda: DepthwiseConv1d(4, 3, padding="causal"), FLAT),
    "DepthwiseConv1d same": (lambda: DepthwiseConv1d(4, 5, padding="same", bias=False), FLAT),
    "DepthwiseConv1d multiplier": (lambda: DepthwiseConv1d(4, 3, depth_multiplier=2), FLAT),
    "DepthwiseConv1d same stride": (lambda: DepthwiseConv1d(4, 3, 2, "same"), FLAT),
    "RowwiseConv1d same stride": (
        lambda: RowwiseConv1d(4, 6, 3, 2, "same", n_rows=3, rows="pooled"),
        ROWS,
    ),
    "DepthwiseConv2d": (lambda: DepthwiseConv2d(4, 3, padding="same"), ROWS),
    "SeparableConv1d": (lambda: SeparableConv1d(4, 6, 3, padding="causal", dilation=4), FLAT),
    "SeparableConv2d": (lambda: SeparableConv2d(4, 6, 3, padding="same"), ROWS),
    "RowwiseConv1d separate": (lambda: RowwiseConv1d(4, 6, 3, padding="causal", n_rows=3), ROWS),
    "RowwiseConv1d shared": (lambda: RowwiseConv1d(4, 6, 3, rows="shared"), ROWS),
    "RowwiseConv1d pooled": (lambda: RowwiseConv1d(4, 6, 1, n_rows=3, rows="pooled"), ROWS),
    "RowwiseSeparableConv1d": (
        lambda: RowwiseSeparableConv1d(4, 6, 3, padding="causal", n_rows=3),
        ROWS,
    ),
    "FactoredFilter": (lambda: FactoredFilter([gaussian(1.0)], causal=True), FLAT),
    "TemporalConvNet": (lambda: TemporalConvNet(4, 2, channels=8, levels=2), FLAT),
}


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    """Every warning is an error, but for those that torch's own machinery gives about itself."""
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for module in ("torch.*", "importlib.*", "copyreg"):
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=module)
            warnings.filterwarnings("ignore", category=FutureWarning, module=module)
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        yield


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    layer, shape = LAYERS[name]
    return layer().double(), torch.randn(shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("name", LAYERS)
def test_compiles_in_one_graph_with_the_same_gradients(name: str) -> None:
    layer, x = made(name)
    compiled = torch.compile(layer, fullgraph=True)
    ours, eager = compiled(x), layer(x)
    torch.testing.assert_close(ours, eager, rtol=0, atol=1e-11)
    inputs = [x, *layer.parameters()]
    direction = torch.randn_like(eager)
    for mine, plain in zip(
        torch.autograd.grad((ours * direction).sum(), inputs),
        torch.autograd.grad((eager * direction).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, plain, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_exports_for_any_batch_and_length(name: str) -> None:
    layer, x = made(name)
    x = x.detach()
    axes = {0: torch.export.Dim.AUTO, x.ndim - 1: torch.export.Dim.AUTO}
    program = torch.export.export(layer, (x,), dynamic_shapes=(axes,))
    longer, odd = (torch.randn(3, *x.shape[1:-1], n, dtype=torch.float64) for n in (40, 41))
    for value in (x, longer, odd):
        torch.testing.assert_close(program.module()(value), layer(value), rtol=0, atol=1e-11)
