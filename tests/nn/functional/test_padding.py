"""Who pads where: the splits of "same" in Keras, PyTorch and Flux."""

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn import Conv1d
from tsconv.nn.functional.padding import pad_amounts

# L, k, stride, dilation: Keras (left, right), PyTorch, Flux, steps out.
TABLE = [
    ((8, 2, 1, 1), (0, 1), (0, 1), (1, 0), 8),
    ((8, 4, 1, 1), (1, 2), (1, 2), (2, 1), 8),
    ((8, 2, 1, 3), (1, 2), (1, 2), (2, 1), 8),
    ((8, 3, 2, 1), (0, 1), None, (1, 1), 4),
    ((7, 3, 2, 1), (1, 1), None, (1, 1), 4),
    ((7, 2, 2, 1), (0, 1), None, (1, 0), 4),
    ((8, 4, 2, 1), (1, 1), None, (2, 1), 4),
]


@pytest.mark.parametrize(("sizes", "keras", "pytorch", "flux", "out"), TABLE)
def test_the_splits_of_same(
    sizes: tuple[int, int, int, int],
    keras: tuple[int, int],
    pytorch: tuple[int, int] | None,
    flux: tuple[int, int],
    out: int,
) -> None:
    assert pad_amounts("same", *sizes) == pad_amounts("same_keras", *sizes) == keras
    assert pad_amounts("same_flux", *sizes) == flux
    if pytorch is not None:
        assert pad_amounts("same_pytorch", *sizes) == pytorch
    length, k, stride, dilation = sizes
    for rule in ("same", "same_flux"):
        layer = Conv1d(1, 1, k, stride, rule, dilation)
        assert layer(torch.zeros(1, 1, length)).shape[-1] == out


def test_a_kernel_of_16_pads_7_and_8() -> None:
    assert pad_amounts("same", 40, 16) == (7, 8)


@given(length=st.integers(1, 20), kernel=st.integers(1, 7), dilation=st.integers(1, 3))
def test_same_at_stride_one_is_torchs(length: int, kernel: int, dilation: int) -> None:
    layer = Conv1d(2, 2, kernel, padding="same_pytorch", dilation=dilation).double()
    x = torch.randn(1, 2, length, dtype=torch.float64)
    with warnings.catch_warnings():  # torch says that an even kernel costs it a copy
        warnings.simplefilter("ignore", UserWarning)
        theirs = F.conv1d(x, layer.weight, layer.bias, padding="same", dilation=dilation)
    torch.testing.assert_close(layer(x), theirs, rtol=0, atol=1e-12)
    layer.rules = ("same_keras",)
    torch.testing.assert_close(layer(x), theirs, rtol=0, atol=1e-12)


@given(
    length=st.integers(1, 30),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 5),
    dilation=st.integers(1, 3),
)
def test_same_leaves_one_step_for_each_stride(
    length: int, kernel: int, stride: int, dilation: int
) -> None:
    layer = Conv1d(1, 1, kernel, stride, "same", dilation)
    assert layer(torch.zeros(1, 1, length)).shape[-1] == -(-length // stride)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("foo", 8, 3), r"`padding` \(=foo\)"),
        ((-1, 8, 3), r"`padding` \(=-1\)"),
        (("same_pytorch", 8, 3, 2), "needs `stride`"),
        (("causal", 8, 0), r"`kernel_size` \(=0\)"),
    ],
)
def test_amounts_are_not_guessed(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pad_amounts(*arguments)  # type: ignore[arg-type]
