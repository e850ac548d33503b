"""Depthwise and separable layers: Keras' and Flux' vectors, both channel orders, bad input."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn import (
    Conv2d,
    DepthwiseConv1d,
    DepthwiseConv2d,
    SeparableConv1d,
    SeparableConv2d,
    interop,
)
from tsconv.nn.functional.padding import pad_amounts

X = torch.tensor([[[1.0, 2, 3, 4], [10, 20, 30, 40]]])
W = torch.tensor([[[1.0, 0], [0, 1]], [[1, 1], [1, -1]]])  # [channel, filter, tap]


@pytest.mark.parametrize(
    ("padding", "dilation", "expected"),
    [
        ("valid", 1, [[1, 2, 3], [2, 3, 4], [30, 50, 70], [-10, -10, -10]]),
        ("causal", 1, [[0, 1, 2, 3], [1, 2, 3, 4], [10, 30, 50, 70], [-10, -10, -10, -10]]),
        ("causal", 2, [[0, 0, 1, 2], [1, 2, 3, 4], [10, 20, 40, 60], [-10, -20, -20, -20]]),
        ("same", 1, [[1, 2, 3, 4], [2, 3, 4, 0], [30, 50, 70, 40], [-10, -10, -10, 40]]),
    ],
)
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_golden_vectors(
    padding: str, dilation: int, expected: list[list[float]], data_format: str
) -> None:
    layer = DepthwiseConv1d(
        2,
        2,
        padding=padding,
        dilation=dilation,
        depth_multiplier=2,
        bias=False,
        data_format=data_format,
    )
    layer.weight.data = W.reshape(4, 1, 2)
    if data_format == "channels_last":
        assert layer(X.transpose(1, 2))[0].t().tolist() == expected
    else:
        assert layer(X)[0].tolist() == expected


def test_flux_flips_the_kernel() -> None:
    layer = DepthwiseConv1d(2, 2, depth_multiplier=2, bias=False)
    interop.load_flux(layer, W.permute(2, 1, 0))  # (taps, filter, channel)
    assert layer(X)[0].tolist() == [[2, 3, 4], [1, 2, 3], [30, 50, 70], [10, 10, 10]]


def test_two_matrices_each_with_its_own_filter_in_one_layer() -> None:
    a, b = torch.randn(2, 1, 1, 3, 3, dtype=torch.float64)
    fa, fb = torch.randn(2, 2, 2, 1, 1, dtype=torch.float64)
    single = [interop.load_flux(Conv2d(1, 1, 2, bias=False).double(), f) for f in (fa, fb)]
    both, meaning = interop.from_flux_depthwise((2, 2), torch.cat([fa, fb], dim=-1))
    assert meaning == "outputs"
    expected = torch.cat([single[0](a), single[1](b)], dim=1)
    torch.testing.assert_close(both(torch.cat([a, b], dim=1)), expected, rtol=0, atol=1e-12)
    by_hand = sum(a[0, 0, 1 - i, 1 - j] * fa[i, j, 0, 0] for i in range(2) for j in range(2))
    torch.testing.assert_close(expected[0, 0, 0, 0], by_hand)  # a true convolution


@given(
    channels=st.integers(1, 3),
    multiplier=st.integers(1, 3),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    width=st.integers(1, 14),
    padding=st.sampled_from(["causal", "same", "same_flux", 2]),
    data_format=st.sampled_from(["channels_first", "channels_last"]),
)
def test_separable_equals_two_convolutions(
    channels: int,
    multiplier: int,
    kernel: int,
    stride: int,
    dilation: int,
    width: int,
    padding: int | str,
    data_format: str,
) -> None:
    if padding == 2 and width + 4 < (kernel - 1) * dilation + 1:
        return
    layer = SeparableConv1d(
        channels,
        5,
        kernel,
        stride,
        padding,
        dilation,
        multiplier,
        data_format=data_format,
    ).double()
    torch.nn.init.normal_(layer.pointwise.bias)
    x = torch.randn(2, channels, width, dtype=torch.float64)
    padded = pad_amounts(padding, width, kernel, stride, dilation)
    middle = F.conv1d(F.pad(x, padded), layer.depthwise.weight, None, stride, 0, dilation, channels)
    expected = F.conv1d(middle, layer.pointwise.weight, layer.pointwise.bias)
    last = data_format == "channels_last"
    got = layer(x.transpose(1, 2)).transpose(1, 2) if last else layer(x)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


@given(
    multiplier=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    data_format=st.sampled_from(["channels_first", "channels_last"]),
)
def test_separable_on_two_axes_equals_two_convolutions(
    multiplier: int, kernel: tuple[int, int], stride: int, data_format: str
) -> None:
    layer = SeparableConv2d(
        3, 5, kernel, stride, "same", 1, multiplier, data_format=data_format
    ).double()
    x = torch.randn(2, 3, 6, 9, dtype=torch.float64)
    h, w = (pad_amounts("same", n, k, stride) for n, k in zip((6, 9), kernel, strict=True))
    middle = F.conv2d(F.pad(x, (*w, *h)), layer.depthwise.weight, None, stride, groups=3)
    expected = F.conv2d(middle, layer.pointwise.weight, layer.pointwise.bias)
    if data_format == "channels_last":
        got = layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    else:
        got = layer(x)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


def test_shapes_of_a_block_of_16_to_32() -> None:
    layer = SeparableConv1d(16, 32, 2)
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert shapes == {
        "depthwise.weight": (16, 1, 2),
        "pointwise.weight": (32, 16, 1),
        "pointwise.bias": (32,),
    }


def test_one_bias_at_the_end_or_none() -> None:
    assert SeparableConv1d(2, 3, 2, bias=False).pointwise.bias is None
    assert torch.equal(DepthwiseConv1d(2, 2).bias, torch.zeros(2))
    assert DepthwiseConv2d(2, 2, bias=False).bias is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DepthwiseConv1d(0, 3), r"`channels` \(=0\)"),
        (lambda: DepthwiseConv1d(3, 3, depth_multiplier=0), r"`depth_multiplier` \(=0\)"),
        (lambda: DepthwiseConv1d(3, 3, data_format="NCW"), r"`data_format` \(=NCW\)"),
        (lambda: SeparableConv1d(3, -1, 3), r"`out_channels` \(=-1\)"),
        (lambda: SeparableConv1d(3, 4, 3, padding="full"), r"`padding` \(=full\)"),
        (
            lambda: SeparableConv2d(3, 4, 3, depthwise_initializer="glorot"),
            r"`depthwise_initializer` \(=glorot\) must be one of",
        ),
        (
            lambda: DepthwiseConv1d(3, 3, data_format="channels_last")(torch.zeros(1, 3, 5)),
            r"\(1, 3, 5\), expected \(B, W, 3\)",
        ),
        (
            lambda: SeparableConv2d(3, 4, 3)(torch.zeros(1, 3, 5)),
            r"\(1, 3, 5\), expected \(B, 3, H, W\)",
        ),
        (
            lambda: SeparableConv2d(3, 4, 3)(torch.zeros(1, 3, 2, 5)),
            "2 steps, too short for `kernel_size`",
        ),
        (lambda: DepthwiseConv1d(3, 4)(torch.zeros(1, 3, 3)), "3 steps, too short"),
    ],
)
def test_bad_input_is_named(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
