"""Initialisers: the bounds and spreads that their libraries state, with their fans."""

import math

import pytest
import torch

from tsconv.errors import ConfigError
from tsconv.nn import DepthwiseConv1d, SeparableConv1d, keras_init_, puzzlelib_init_
from tsconv.nn.init import keras_fans

BIG = (400, 50, 20)  # out, in / groups, taps: 400,000 draws


def test_keras_counts_a_depthwise_kernels_last_two_axes() -> None:
    assert keras_fans((3, 16, 2)) == (48, 6)
    assert keras_fans((3, 5, 16, 2)) == (240, 30)
    assert keras_fans((1, 32, 64)) == (32, 64)


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        ("glorot_uniform", 2 / (1000 + 8000)),
        ("glorot_normal", 2 / (1000 + 8000)),
        ("he_uniform", 2 / 1000),
        ("he_normal", 2 / 1000),
        ("lecun_uniform", 1 / 1000),
        ("lecun_normal", 1 / 1000),
    ],
)
def test_keras_spread(initializer: str, variance: float) -> None:
    torch.manual_seed(0)
    weight = keras_init_(torch.empty(BIG), initializer, (20, 50, 400))
    assert weight.mean().abs() < 4 * math.sqrt(variance / weight.numel())
    assert weight.var().item() == pytest.approx(variance, rel=0.01)
    uniform = initializer.endswith("uniform")
    limit = math.sqrt(3 * variance) if uniform else 2 * math.sqrt(variance) / 0.87962566
    assert 0.98 * limit < weight.abs().max().item() <= limit * (1 + 1e-6)


def test_layers_start_as_kerass_do() -> None:
    torch.manual_seed(0)
    layer = DepthwiseConv1d(200, 9, depth_multiplier=2)
    limit = math.sqrt(6 / (9 * 200 + 9 * 2))
    assert 0.99 * limit < layer.weight.abs().max().item() <= limit
    separable = SeparableConv1d(200, 300, 9, depth_multiplier=2)
    limit = math.sqrt(6 / (400 + 300))
    assert 0.99 * limit < separable.pointwise.weight.abs().max().item() <= limit
    assert not separable.pointwise.bias.any()


@pytest.mark.parametrize(
    ("initscheme", "bound"),
    [
        (None, math.sqrt(3 / 1000)),
        ("xavier_uniform", math.sqrt(3 / 1000)),
        (("xavier_uniform", "out"), math.sqrt(3 / 8000)),
        (("xavier_uniform", "avg"), math.sqrt(3 / 4500)),
        ("uniform", 0.25),
    ],
)
def test_puzzlelib_uniform_schemes(initscheme: object, bound: float) -> None:
    torch.manual_seed(0)
    weight = puzzlelib_init_(torch.empty(BIG), initscheme, wscale=0.25)  # type: ignore[arg-type]
    assert 0.999 * bound < weight.max().item() <= bound
    assert -bound <= weight.min().item() < -0.999 * bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("initscheme", "std"),
    [
        ("xavier", math.sqrt(1 / 1000)),
        ("xavier_normal", math.sqrt(1 / 1000)),
        (("xavier", "avg"), math.sqrt(1 / 4500)),
        ("he", math.sqrt(2 / 1000)),
        (("he", "out"), math.sqrt(2 / 8000)),
        ("gaussian", 0.25),
        (("gaussian", "in"), 0.25),
    ],
)
def test_puzzlelib_normal_schemes(initscheme: object, std: float) -> None:
    torch.manual_seed(0)
    weight = puzzlelib_init_(torch.empty(BIG), initscheme, wscale=0.25)  # type: ignore[arg-type]
    assert weight.std().item() == pytest.approx(std, rel=0.01)
    assert weight.abs().max().item() > 3.5 * std  # not truncated


def test_none_leaves_the_weight_as_it_is() -> None:
    weight = torch.arange(6.0).view(1, 2, 3)
    assert torch.equal(puzzlelib_init_(weight.clone(), "none"), weight)


@pytest.mark.parametrize(
    ("initscheme", "message"),
    [
        ("xavier_unifrom", "did you mean `xavier_uniform`"),
        (("he", "both"), r"`initscheme` \(=both\) must be one of in, out, avg"),
        (("he", "in", "out"), "a name or a pair"),
    ],
)
def test_an_unknown_scheme_is_named(initscheme: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        puzzlelib_init_(torch.empty(1, 1, 1), initscheme)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="`initializer`"):
        keras_init_(torch.empty(1, 1, 1), "orthogonal", (1, 1, 1))
