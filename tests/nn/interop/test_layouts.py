"""Weights from other libraries' layouts and back; wrong shapes are shown beside the right ones."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tsconv.errors import ConfigError
from tsconv.nn import (
    Conv1d,
    Conv2d,
    DepthwiseConv1d,
    DepthwiseConv2d,
    RowwiseConv1d,
    SeparableConv1d,
    SeparableConv2d,
    TemporalConvNet,
    interop,
)
from tsconv.nn.interop import flux_depth_multiplier

LAYERS = [
    lambda: Conv1d(4, 6, 3, groups=2),
    lambda: Conv2d(4, 6, (2, 3)),
    lambda: DepthwiseConv1d(4, 3, depth_multiplier=2),
    lambda: DepthwiseConv2d(4, (2, 3), depth_multiplier=3, bias=False),
    lambda: SeparableConv1d(4, 6, 3, depth_multiplier=2),
    lambda: SeparableConv2d(4, 6, (2, 3), bias=False),
]


def assert_same(a: nn.Module, b: nn.Module) -> None:
    for (name, one), two in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        assert torch.equal(one, two), name


@pytest.mark.parametrize("make", LAYERS)
def test_keras_round_trip(make: object) -> None:
    layer, other = make(), make()  # type: ignore[operator]
    weights = [w.numpy() for w in interop.to_keras(layer)]
    assert_same(interop.load_keras(other, weights), layer)


def test_keras_layouts() -> None:
    kernel = np.arange(2 * 3 * 2, dtype=np.float32).reshape(2, 3, 2)  # taps, channels, filters
    layer = DepthwiseConv1d(3, 2, depth_multiplier=2, bias=False)
    interop.load_keras(layer, [kernel])
    for c in range(3):
        for m in range(2):
            for j in range(2):
                assert layer.weight[c * 2 + m, 0, j].item() == kernel[j, c, m]
    shapes = [
        tuple(w.shape) for w in interop.to_keras(SeparableConv1d(4, 6, 3, depth_multiplier=2))
    ]
    assert shapes == [(3, 4, 2), (1, 8, 6), (6,)]
    shapes = [tuple(w.shape) for w in interop.to_keras(SeparableConv2d(4, 6, (2, 3)))]
    assert shapes == [(2, 3, 4, 1), (1, 1, 4, 6), (6,)]


@pytest.mark.parametrize("make", LAYERS[:4])
@pytest.mark.parametrize("cross_correlation", [False, True])
def test_flux_round_trip(make: object, cross_correlation: bool) -> None:
    layer, other = make(), make()  # type: ignore[operator]
    weight, bias = interop.to_flux(layer, cross_correlation=cross_correlation)
    interop.load_flux(other, weight.numpy(), bias, cross_correlation=cross_correlation)
    assert_same(other, layer)


@given(kernel=st.integers(1, 5), multiplier=st.integers(1, 3), channels=st.integers(1, 3))
def test_flux_depthwise_formula(kernel: int, multiplier: int, channels: int) -> None:
    """W_torch[c*M+m, 0, j] = W_flux[k-1-j, m, c]."""
    old = torch.randn(kernel, multiplier, channels)
    outputs = channels * multiplier
    layer, meaning = interop.from_flux_depthwise((channels, outputs), old)
    assert meaning == "outputs"
    for c in range(channels):
        for m in range(multiplier):
            for j in range(kernel):
                assert layer.weight[c * multiplier + m, 0, j] == old[kernel - 1 - j, m, c]
    grouped = old.transpose(1, 2).reshape(kernel, 1, outputs)  # later versions' layout
    assert_same(interop.from_flux_depthwise((channels, outputs), grouped)[0], layer)


def test_both_meanings_of_flux_arrow() -> None:
    one_filter_each = torch.randn(3, 1, 2)
    layer, meaning = interop.from_flux_depthwise((2, 1), one_filter_each)  # up to 0.8: 2 outputs
    assert (layer.out_channels, layer.depth_multiplier, meaning) == (2, 1, "multiplier")
    layer, meaning = interop.from_flux_depthwise((2, 4), torch.randn(3, 2, 2), torch.ones(4))
    assert (layer.out_channels, layer.depth_multiplier, meaning) == (4, 2, "outputs")
    assert layer.bias.tolist() == [1, 1, 1, 1]
    with pytest.raises(ConfigError, match=r"2=>3.*weight of 4 filters.*means 3.*0.8\) 6"):
        flux_depth_multiplier((2, 3), 4)


def test_puzzlelib_round_trip() -> None:
    layer, other = Conv1d(4, 6, 3, groups=2), Conv1d(4, 6, 3, groups=2)
    interop.load_puzzlelib(other, *interop.to_puzzlelib(layer))
    assert_same(other, layer)


@pytest.mark.parametrize("bias", [True, False])
def test_rows_round_trip(bias: bool) -> None:
    rows = [nn.Conv1d(4, 6, 3, groups=2, bias=bias) for _ in range(5)]
    layer = RowwiseConv1d(4, 6, 3, padding="causal", groups=2, bias=bias, n_rows=5)
    interop.load_rows(layer, rows)
    back = interop.to_rows(layer)
    for ours, theirs in zip(back, rows, strict=True):
        assert_same(ours, theirs)
    x = torch.randn(2, 4, 5, 9)
    out = torch.stack([conv(x[:, :, h]) for h, conv in enumerate(back)], dim=2)
    torch.testing.assert_close(layer(x), out)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (
            lambda: interop.load_keras(Conv1d(4, 6, 3), [np.zeros((3, 4, 5)), np.zeros(6)]),
            r"\(3, 4, 5\), expected \(3, 4, 6\)",
        ),
        (
            lambda: interop.load_keras(Conv1d(4, 6, 3), [np.zeros((3, 4, 6)), np.zeros(5)]),
            r"bias has shape \(5,\), expected \(6,\)",
        ),
        (lambda: interop.load_keras(Conv1d(4, 6, 3), [np.zeros(1)]), "1 arrays, expected 2"),
        (
            lambda: interop.load_keras(DepthwiseConv1d(4, 3, bias=False), [np.zeros((3, 4, 2))]),
            r"\(3, 4, 2\), expected \(3, 4, 1\)",
        ),
        (lambda: interop.load_keras(TemporalConvNet(1, 1), []), "TemporalConvNet has no"),
        (
            lambda: interop.load_flux(Conv1d(4, 6, 3), np.zeros((6, 4, 3))),
            r"\(6, 4, 3\), expected \(3, 4, 6\)",
        ),
        (
            lambda: interop.load_flux(Conv1d(4, 6, 3, bias=False), np.zeros((3, 4, 6)), [0.0]),
            "has a bias, expected none",
        ),
        (
            lambda: interop.load_puzzlelib(Conv1d(4, 6, 3), np.zeros((6, 4, 3)), None),
            r"\(6, 4, 3\), expected \(6, 4, 1, 3\)",
        ),
        (
            lambda: interop.load_puzzlelib(Conv1d(4, 6, 3), np.zeros((6, 4, 1, 3)), None),
            "no b, expected one",
        ),
        (
            lambda: interop.load_rows(
                RowwiseConv1d(4, 6, 3, n_rows=2), [nn.Conv1d(4, 6, 3), nn.Conv1d(4, 5, 3)]
            ),
            r"row 1's weight has shape \(5, 4, 3\), expected \(6, 4, 3\)",
        ),
        (
            lambda: interop.load_rows(
                RowwiseConv1d(4, 6, 3, n_rows=1), [nn.Conv1d(4, 6, 3, dilation=2)]
            ),
            r"row 0 has `dilation` \(=2\), expected 1",
        ),
        (
            lambda: interop.load_rows(
                RowwiseConv1d(4, 6, 3, n_rows=1), [nn.Conv1d(4, 6, 3, padding=1)]
            ),
            r"row 0 has `padding` \(=1\), expected 0",
        ),
        (lambda: interop.load_keras(Conv1d(4, 6, 3), ["a", "b"]), "no array of numbers: str"),
        (lambda: interop.load_flux(Conv1d(1, 1, 1), [[[1j]]]), "complex"),
        (lambda: interop.from_flux_depthwise(None, np.ones((3, 1, 2))), r"`channels` \(=None\)"),
        (lambda: interop.load_puzzlelib(Conv2d(1, 1, 1), 0), "is a Conv2d, expected a Conv1d"),
        (
            lambda: interop.load_rows(RowwiseConv1d(4, 6, 3, n_rows=2), [nn.Conv1d(4, 6, 3)]),
            "list of rows has 1 arrays, expected 2",
        ),
        (
            lambda: interop.load_rows(RowwiseConv1d(4, 6, 3, rows="shared"), []),
            r"`rows` \(=shared\) must be separate",
        ),
    ],
)
def test_wrong_shapes_are_shown_beside_the_right_ones(load: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load()  # type: ignore[operator]


def test_nothing_is_written_when_something_is_wrong() -> None:
    layer = Conv1d(4, 6, 3)
    before = layer.weight.detach().clone()
    with pytest.raises(ConfigError):
        interop.load_keras(layer, [np.ones((3, 4, 6)), np.ones(5)])
    with pytest.raises(ConfigError):
        interop.load_flux(layer, np.ones((3, 4, 6)), np.ones(5))
    with pytest.raises(ConfigError):
        interop.load_puzzlelib(layer, np.ones((6, 4, 1, 3)), np.ones(6))
    assert torch.equal(layer.weight, before)
    separable = SeparableConv1d(3, 4, 5)
    before = separable.depthwise.weight.detach().clone()
    with pytest.raises(ConfigError):
        interop.load_keras(separable, [np.ones((5, 3, 1)), np.ones((1, 3, 9)), np.ones(4)])
    assert torch.equal(separable.depthwise.weight, before)


def test_what_is_taken_out_is_a_snapshot() -> None:
    layer = Conv1d(1, 1, 5)
    before = layer.weight.detach().clone()
    interop.to_keras(layer)[0].zero_()
    interop.to_flux(layer, cross_correlation=True)[0].zero_()
    interop.to_puzzlelib(layer)[0].zero_()
    assert torch.equal(layer.weight, before)


def test_arrays_come_in_many_forms() -> None:
    kernel = np.arange(6.0).reshape(3, 2, 1)
    expected = interop.load_keras(Conv1d(2, 1, 3, bias=False), [kernel]).weight
    for form in (kernel.astype(">f8"), kernel.tolist(), kernel[::-1][::-1], torch.tensor(kernel)):
        layer = interop.load_keras(Conv1d(2, 1, 3, bias=False), [form])
        assert torch.equal(layer.weight, expected)
    layer, _ = interop.from_flux_depthwise((2, 2), np.ones((3, 1, 2), dtype=np.int64))
    assert layer.weight.dtype == torch.float32
    interop.load_flux(Conv1d(2, 1, 3), kernel, np.False_)


def test_rows_that_pad_themselves() -> None:
    chomped = [nn.Conv1d(2, 3, 3, padding=2)]
    interop.load_rows(RowwiseConv1d(2, 3, 3, padding="causal", n_rows=1), chomped)
    padded_outside = [nn.Conv1d(2, 3, 3)]
    interop.load_rows(RowwiseConv1d(2, 3, 3, padding="causal", n_rows=1), padded_outside)
    same = [nn.Conv1d(2, 3, 3, padding="same")]
    interop.load_rows(RowwiseConv1d(2, 3, 3, padding="same", n_rows=1), same)
