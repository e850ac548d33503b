"""Our layers against the real ones of Keras 3, running on torch, with Keras' own weights."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed")
if keras.config.backend() != "torch":
    pytest.skip("Keras runs on another backend", allow_module_level=True)

from tsconv.nn import (  # noqa: E402
    Conv1d,
    DepthwiseConv1d,
    DepthwiseConv2d,
    SeparableConv1d,
    SeparableConv2d,
    interop,
)

FORMATS = st.sampled_from(["channels_first", "channels_last"])


def compare(
    theirs: Any, ours: torch.nn.Module, x: np.ndarray, run: Callable[..., Any] | None = None
) -> None:
    """Both layers on x, after Keras' weights, with random biases, have gone into ours.

    run: how ours is called, where it does not take x as it is.
    """
    theirs(x)  # builds it
    weights = theirs.get_weights()
    if theirs.use_bias:
        weights[-1] = np.random.default_rng(1).normal(size=weights[-1].shape).astype(np.float32)
        theirs.set_weights(weights)
    interop.load_keras(ours, weights)
    with torch.no_grad():
        got = (run or ours)(torch.from_numpy(x))
    np.testing.assert_allclose(got.numpy(), keras.ops.convert_to_numpy(theirs(x)), atol=1e-6)
    for mine, given_ in zip(interop.to_keras(ours), weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), given_)


def sample(shape: tuple[int, ...], data_format: str) -> np.ndarray:
    x = np.random.default_rng(0).uniform(-1, 1, size=shape).astype(np.float32)
    return x if data_format == "channels_first" else np.moveaxis(x, 1, -1).copy()


@pytest.mark.parametrize(
    ("theirs", "ours", "filters"),
    [
        (keras.layers.DepthwiseConv1D, DepthwiseConv1d, ()),
        (keras.layers.SeparableConv1D, SeparableConv1d, (5,)),
    ],
)
@settings(max_examples=60)
@given(
    channels=st.integers(1, 4),
    multiplier=st.integers(1, 3),
    kernel=st.integers(1, 6),
    stride_dilation=st.sampled_from([(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]),
    length=st.integers(16, 23),
    padding=st.sampled_from(["valid", "same"]),
    bias=st.booleans(),
    data_format=FORMATS,
)
def test_one_axis(
    theirs: Any,
    ours: Any,
    filters: tuple[int, ...],
    channels: int,
    multiplier: int,
    kernel: int,
    stride_dilation: tuple[int, int],
    length: int,
    padding: str,
    bias: bool,
    data_format: str,
) -> None:
    stride, dilation = stride_dilation
    reference = theirs(
        *filters,
        kernel,
        strides=stride,
        padding=padding,
        depth_multiplier=multiplier,
        data_format=data_format,
        dilation_rate=dilation,
        use_bias=bias,
    )
    layer = ours(
        channels, *filters, kernel, stride, padding, dilation, multiplier, bias, data_format
    )
    compare(reference, layer, sample((2, channels, length), data_format))


@pytest.mark.parametrize(
    ("theirs", "ours", "filters"),
    [
        (keras.layers.DepthwiseConv2D, DepthwiseConv2d, ()),
        (keras.layers.SeparableConv2D, SeparableConv2d, (5,)),
    ],
)
@settings(max_examples=40)
@given(
    multiplier=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    stride=st.integers(1, 3),
    shape=st.tuples(st.integers(5, 8), st.integers(6, 9)),
    padding=st.sampled_from(["valid", "same"]),
    data_format=FORMATS,
)
def test_two_axes(
    theirs: Any,
    ours: Any,
    filters: tuple[int, ...],
    multiplier: int,
    kernel: tuple[int, int],
    stride: int,
    shape: tuple[int, int],
    padding: str,
    data_format: str,
) -> None:
    reference = theirs(
        *filters,
        kernel,
        strides=stride,
        padding=padding,
        depth_multiplier=multiplier,
        data_format=data_format,
    )
    layer = ours(
        3,
        *filters,
        kernel,
        stride,
        padding,
        depth_multiplier=multiplier,
        data_format=data_format,
    )
    compare(reference, layer, sample((2, 3, *shape), data_format))


@settings(max_examples=40)
@given(
    groups=st.sampled_from([1, 2]),
    kernel=st.integers(1, 5),
    stride_dilation=st.sampled_from([(1, 1), (1, 3), (2, 1)]),
    length=st.integers(16, 20),
    padding=st.sampled_from(["valid", "same", "causal"]),
)
def test_conv1d(
    groups: int, kernel: int, stride_dilation: tuple[int, int], length: int, padding: str
) -> None:
    stride, dilation = stride_dilation
    theirs = keras.layers.Conv1D(
        6,
        kernel,
        strides=stride,
        padding=padding,
        dilation_rate=dilation,
        groups=groups,
    )  # channels last
    x = sample((2, 4, length), "channels_last")
    ours = Conv1d(4, 6, kernel, stride, padding, dilation, groups)

    compare(theirs, ours, x, run=lambda v: ours(v.transpose(1, 2)).transpose(1, 2))


def test_fresh_layers_spread_as_kerass() -> None:
    keras.utils.set_random_seed(0)
    torch.manual_seed(0)
    theirs = keras.layers.SeparableConv1D(300, 5, depth_multiplier=3)
    theirs.build((None, 20, 200))
    ours = SeparableConv1d(200, 300, 5, depth_multiplier=3)
    for mine, theirs_ in zip(interop.to_keras(ours), theirs.get_weights(), strict=True):
        assert mine.shape == theirs_.shape
        assert float(mine.std()) == pytest.approx(float(theirs_.std()), rel=0.05, abs=1e-9)
        assert float(mine.abs().max()) == pytest.approx(np.abs(theirs_).max(), rel=0.02, abs=1e-9)
