"""CausalConv1d: the golden values of separable temporal convolution, and its readable twin."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.errors import ConfigError
from tsconv.nn.conv import CausalConv1d, causal_conv1d_reference, causal_pad

X = torch.tensor([[[1.0, 5, 10, 20], [100, 150, 200, 250], [1000, 1500, 2000, 2500]]])
SEPARATE = [[1.0, 6, 15, 30], [100, 250, 350, 450], [1000, 2500, 3500, 4500]]


def ones(layer: CausalConv1d) -> CausalConv1d:
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    return layer


def test_one_filter_a_channel() -> None:
    assert ones(CausalConv1d(3, 3, 2, groups=3))(X)[0].tolist() == SEPARATE


def test_three_filters_a_channel_are_channel_major() -> None:
    expected = [row for row in SEPARATE for _ in range(3)]
    assert ones(CausalConv1d(3, 9, 2, groups=3))(X)[0].tolist() == expected


def test_not_separable() -> None:
    assert ones(CausalConv1d(3, 3, 2))(X)[0].tolist() == [[1101.0, 2756, 3865, 4980]] * 3


@given(
    kernel=st.integers(1, 5),
    dilation=st.integers(1, 4),
    width=st.integers(1, 12),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
)
def test_equals_the_loop_over_steps(
    kernel: int, dilation: int, width: int, groups: int, bias: bool
) -> None:
    layer = CausalConv1d(4, 6, kernel, dilation=dilation, groups=groups, bias=bias).double()
    x = torch.randn(2, 4, width, dtype=torch.float64)
    expected = causal_conv1d_reference(x, layer.weight, layer.bias, dilation, groups)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)


def test_padding_is_on_the_left() -> None:
    assert causal_pad(torch.ones(1, 1, 3), 3, 2).tolist() == [[[0, 0, 0, 0, 1, 1, 1]]]


def test_stride_keeps_the_first_step_of_each() -> None:
    layer = CausalConv1d(3, 3, 2, stride=2, groups=3)
    assert ones(layer)(X)[0].tolist() == [[1, 15], [100, 350], [1000, 3500]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, r"`kernel_size` \(=0\)"),
        ({"dilation": -1}, r"`dilation` \(=-1\)"),
        ({"groups": 4}, r"`in_channels` \(=6\) must be divisible by `groups` \(=4\)"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CausalConv1d(**{"in_channels": 6, "out_channels": 8, "kernel_size": 3, **arguments})


def test_a_wrong_shape_is_shown() -> None:
    with pytest.raises(ConfigError, match=r"\(3, 5\), expected \(B, 4, W\)"):
        CausalConv1d(4, 4, 3)(torch.zeros(3, 5))
