"""Conv1d and its causal form: golden values, the loop over steps, torch's own, and bad input."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn import (
    CausalConv1d,
    Conv1d,
    Conv2d,
    DepthwiseConv1d,
    RowwiseConv1d,
    causal_pad,
)
from tsconv.nn.functional.padding import PADDINGS, pad_amounts
from tsconv.nn.functional.references import conv1d_reference

X = torch.tensor([[[1.0, 5, 10, 20], [100, 150, 200, 250], [1000, 1500, 2000, 2500]]])
SEPARATE = [[1.0, 6, 15, 30], [100, 250, 350, 450], [1000, 2500, 3500, 4500]]


def ones(layer: torch.nn.Module) -> torch.nn.Module:
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    return layer


@pytest.mark.parametrize(
    "layer", [CausalConv1d(3, 3, 2, groups=3), DepthwiseConv1d(3, 2, padding="causal")]
)
def test_one_filter_a_channel(layer: torch.nn.Module) -> None:
    assert ones(layer)(X)[0].tolist() == SEPARATE


@pytest.mark.parametrize(
    "layer",
    [
        CausalConv1d(3, 9, 2, groups=3),
        DepthwiseConv1d(3, 2, padding="causal", depth_multiplier=3),
    ],
)
def test_three_filters_a_channel_are_channel_major(layer: torch.nn.Module) -> None:
    assert ones(layer)(X)[0].tolist() == [row for row in SEPARATE for _ in range(3)]


def test_not_separable() -> None:
    assert ones(CausalConv1d(3, 3, 2))(X)[0].tolist() == [[1101.0, 2756, 3865, 4980]] * 3


def test_layers_of_a_stack_keep_the_length() -> None:
    for i in range(4):
        assert CausalConv1d(3, 3, 3, dilation=2**i)(X).shape == X.shape
    assert pad_amounts("causal", 4, 3, 1, 2**3) == (16, 0)


@given(
    kernel=st.integers(1, 6),
    dilation=st.integers(1, 4),
    stride=st.integers(1, 4),
    width=st.integers(1, 16),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    padding=st.sampled_from([*PADDINGS, 0, 1, 3]),
)
def test_equals_torch_and_the_loop_over_steps(
    kernel: int,
    dilation: int,
    stride: int,
    width: int,
    groups: int,
    bias: bool,
    padding: int | str,
) -> None:
    if padding == "same_pytorch":
        stride = 1
    layer = Conv1d(4, 6, kernel, stride, padding, dilation, groups, bias).double()
    x = torch.randn(2, 4, width, dtype=torch.float64)
    padded = pad_amounts(padding, width, kernel, stride, dilation)
    if width + sum(padded) < (kernel - 1) * dilation + 1:
        with pytest.raises(ConfigError, match="too short"):
            layer(x)
        return
    out = layer(x)
    theirs = F.conv1d(F.pad(x, padded), layer.weight, layer.bias, stride, 0, dilation, groups)
    torch.testing.assert_close(out, theirs, rtol=0, atol=1e-12)
    loop = conv1d_reference(x, layer.weight, layer.bias, stride, padded, dilation, groups)
    torch.testing.assert_close(out, loop, rtol=0, atol=1e-12)
    if padding in ("causal", "same", "same_keras"):
        assert out.shape[2] == -(-width // stride)


@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    padding=st.sampled_from(["causal", "same", "same_flux", (1, "causal"), 2]),
)
def test_two_axes_equal_torch(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: int | str | tuple[int, str],
) -> None:
    layer = Conv2d(2, 4, kernel, stride, padding, dilation, groups=2).double()
    x = torch.randn(2, 2, 7, 11, dtype=torch.float64)
    h, w = (
        pad_amounts(rule, *sizes)
        for rule, *sizes in zip(layer.rules, (7, 11), kernel, stride, dilation, strict=True)
    )
    theirs = F.conv2d(F.pad(x, (*w, *h)), layer.weight, layer.bias, stride, 0, dilation, 2)
    torch.testing.assert_close(layer(x), theirs, rtol=0, atol=1e-12)


def test_causal_on_two_axes_is_causal_in_time_and_keeps_the_rows() -> None:
    layer = Conv2d(1, 1, 3, padding="causal").double()
    x = torch.randn(1, 1, 5, 9, dtype=torch.float64)
    later = x.clone()
    later[..., 6:] += 100
    assert layer(x).shape == x.shape
    assert torch.equal(layer(x)[..., :6], layer(later)[..., :6])


@given(kernel=st.integers(1, 5), dilation=st.integers(1, 3), origin=st.integers(0, 10))
def test_perturbing_the_future_leaves_the_past_bitwise_equal(
    kernel: int, dilation: int, origin: int
) -> None:
    x = torch.randn(2, 4, 12)
    later = x.clone()
    later[..., origin + 1 :] = torch.randn(2, 4, 11 - origin) * 1e6
    layers = [CausalConv1d(4, 6, kernel, dilation=dilation)]
    layers.append(DepthwiseConv1d(4, kernel, padding="causal", dilation=dilation))
    for layer in layers:
        assert torch.equal(layer(x)[..., : origin + 1], layer(later)[..., : origin + 1])


def test_a_state_dict_moves_from_and_to_torch() -> None:
    theirs = torch.nn.Conv1d(4, 6, 3, padding=1, groups=2)
    ours = Conv1d(4, 6, 3, padding=1, groups=2)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 4, 9)
    assert torch.equal(ours(x), theirs(x))
    assert isinstance(ours, torch.nn.Conv1d)
    theirs.load_state_dict(ours.state_dict())


def test_padding_is_on_the_left() -> None:
    assert causal_pad(torch.ones(1, 1, 3), 3, 2).tolist() == [[[0, 0, 0, 0, 1, 1, 1]]]


def test_stride_keeps_the_first_step_of_each() -> None:
    layer = CausalConv1d(3, 3, 2, stride=2, groups=3)
    assert ones(layer)(X)[0].tolist() == [[1, 15], [100, 350], [1000, 3500]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, r"`kernel_size` \(=0\)"),
        ({"kernel_size": (3, 3)}, r"`kernel_size` \(=\(3, 3\)\) must be one integer, or 1"),
        ({"dilation": -1}, r"`dilation` \(=-1\)"),
        ({"stride": 0}, r"`stride` \(=0\)"),
        ({"stride": True}, r"`stride` \(=True\)"),
        ({"kernel_size": 3.0}, r"`kernel_size` \(=3.0\)"),
        ({"kernel_size": "3"}, r"`kernel_size` \(=3\)"),
        ({"kernel_size": None}, r"`kernel_size` \(=None\)"),
        ({"kernel_size": {3}}, r"`kernel_size` \(=\{3\}\)"),
        ({"kernel_size": 10**20}, r"`kernel_size` \(=10{20}\)"),
        ({"padding": None}, r"`padding` \(=None\)"),
        ({"padding": 1.5}, r"`padding` \(=1.5\)"),
        ({"in_channels": -6}, r"`in_channels` \(=-6\)"),
        ({"groups": 4}, r"`in_channels` \(=6\) must be divisible by `groups` \(=4\)"),
        ({"groups": 3}, r"`out_channels` \(=8\) must be divisible by `groups` \(=3\)"),
        ({"padding": -1}, r"`padding` \(=-1\) must be an integer of at least 0"),
        ({"padding": "casual"}, r"`padding` \(=casual\).*did you mean `causal`"),
        ({"padding": "same_pytorch", "stride": 2}, r"same_pytorch\) needs `stride` \(=2\)"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Conv1d(**{"in_channels": 6, "out_channels": 8, "kernel_size": 3, **arguments})


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 7), (1, 4, 2, 2)])
def test_a_wrong_shape_is_shown(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"expected \(B, 4, W\)"):
        CausalConv1d(4, 4, 3)(torch.zeros(shape))


def test_an_input_shorter_than_the_kernel_names_the_sizes() -> None:
    with pytest.raises(ConfigError, match=r"4 steps, too short for `kernel_size` \(=3\)"):
        Conv1d(1, 1, 3, dilation=2)(torch.zeros(1, 1, 4))
    with pytest.raises(ConfigError, match="0 steps"):
        CausalConv1d(1, 1, 3)(torch.zeros(1, 1, 0))


def test_numpy_integers_are_integers() -> None:
    three = np.int64(3)
    layer = Conv1d(4, 6, three, stride=np.int32(2), padding=three, dilation=(three,))
    assert (layer.kernel_size, layer.stride, layer.rules) == ((3,), (2,), (3,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: CausalConv1d(4, 4, 3),
        lambda: DepthwiseConv1d(4, 3, padding="causal"),
        lambda: RowwiseConv1d(4, 4, 3, padding="causal", n_rows=2),
        lambda: RowwiseConv1d(4, 4, 1, n_rows=2, rows="pooled"),
    ],
)
def test_an_empty_batch_and_the_meta_device_pass(make: Callable[[], torch.nn.Module]) -> None:
    layer = make()
    shape = (4, 2, 9) if isinstance(layer, RowwiseConv1d) else (4, 9)
    x = torch.zeros(0, *shape, requires_grad=True)
    assert layer(x).shape == (0, *shape)
    layer(x).sum().backward()
    assert not layer.weight.grad.any()
    meta = make().to("meta")
    assert meta(torch.zeros(2, *shape, device="meta")).shape == (2, *shape)
    with pytest.raises(ConfigError, match="no weights yet"):
        meta(torch.zeros(2, *shape))


def test_a_layer_can_be_started_afresh() -> None:
    layer = DepthwiseConv1d(200, 9, depthwise_initializer="he_uniform")
    layer.bias.data.fill_(1)
    layer.reset_parameters()
    assert not layer.bias.any()
    assert 0.99 * (6 / 1800) ** 0.5 < layer.weight.abs().max().item() <= (6 / 1800) ** 0.5
    pooled = RowwiseConv1d(2, 3, 3, n_rows=2, rows="pooled")
    pooled.row_weight.data.fill_(1)
    pooled.reset_parameters()
    assert not pooled.row_weight.any()
