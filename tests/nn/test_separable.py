"""The channels-last depthwise convolution against PyTorch's grouped one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.errors import ConfigError
from tsconv.nn.separable import depthwise_time_major, depthwise_time_major_reference


@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 5),
    kernel=st.integers(1, 6),
    dilation=st.integers(1, 5),
    extra=st.integers(1, 9),
    bias=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_equals_the_grouped_convolution(
    batch: int,
    channels: int,
    kernel: int,
    dilation: int,
    extra: int,
    bias: bool,
    dtype: torch.dtype,
) -> None:
    x = torch.randn(batch, (kernel - 1) * dilation + extra, channels, dtype=dtype)
    weight = torch.randn(channels, 1, kernel, dtype=dtype)
    offset = torch.randn(channels, dtype=dtype) if bias else None
    got = depthwise_time_major(x, weight, offset, dilation)
    expected = depthwise_time_major_reference(x, weight, offset, dilation)
    assert got.shape == (batch, extra, channels)
    atol = 1e-12 if dtype == torch.float64 else 2e-5
    torch.testing.assert_close(got, expected, rtol=0, atol=atol)


def test_gradients_equal_the_grouped_convolution() -> None:
    x = torch.randn(2, 9, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 1, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, requires_grad=True)
    out = [f(x, weight, bias, 2) for f in (depthwise_time_major, depthwise_time_major_reference)]
    grads = [torch.autograd.grad(o.square().sum(), (x, weight, bias)) for o in out]
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_golden_vector_with_two_filters() -> None:
    # Rows [1,2,3,4] and [10,20,30,40]; taps [1,0] pass the earlier step on, [1,1] add two steps.
    x = torch.tensor([[1.0, 2, 3, 4], [10, 20, 30, 40]]).t()[None]
    weight = torch.tensor([[[1.0, 0]], [[1, 1]]])
    assert depthwise_time_major(x, weight)[0].t().tolist() == [[1, 2, 3], [30, 50, 70]]


def test_too_short_an_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="4 steps, too short for kernel_size=3 at dilation=2"):
        depthwise_time_major(torch.zeros(1, 4, 2), torch.zeros(2, 1, 3), None, 2)
