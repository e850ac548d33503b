"""Row-wise convolution: the loop over rows, rows apart, and the shapes of the field."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tsconv.errors import ConfigError
from tsconv.nn import RowwiseConv1d, RowwiseSeparableConv1d, interop
from tsconv.nn.functional._rowwise_products import rowwise_grouped
from tsconv.nn.rows import ROWS
from tsconv.nn.rowwise import rowwise_reference


@pytest.mark.parametrize("shape", [(3, 15, 10, 100), (32, 15, 10, 100)])
def test_equals_the_loop_over_rows(shape: tuple[int, int, int, int]) -> None:
    _, channels, n_rows, _ = shape
    convs = nn.ModuleList(nn.Conv1d(channels, channels, 3) for _ in range(n_rows))
    layer = interop.load_rows(RowwiseConv1d(channels, channels, 3, n_rows=n_rows), list(convs))
    x = torch.randn(shape)
    loop = torch.stack([conv(x[:, :, h]) for h, conv in enumerate(convs)], dim=2)
    out = layer(x)
    assert out.shape == (*shape[:3], 98)
    torch.testing.assert_close(
        out, loop, rtol=1e-6, atol=1e-6
    )  # float32: two units in the last place


def test_has_the_weights_of_the_grouped_convolution_and_not_of_a_plain_reshape() -> None:
    layer = RowwiseConv1d(2, 3, 3, n_rows=4)
    theirs = nn.Conv1d(4 * 2, 4 * 3, 3, groups=4)
    theirs.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2, 4, 9)
    right = theirs(x.permute(0, 2, 1, 3).reshape(5, 8, 9)).view(5, 4, 3, 7).permute(0, 2, 1, 3)
    torch.testing.assert_close(layer(x), right)
    wrong = theirs(x.reshape(5, 8, 9)).view(5, 3, 4, 7)
    assert not torch.allclose(layer(x), wrong)


def test_shared_rows_are_a_flat_conv2d() -> None:
    theirs = nn.Conv2d(3, 5, (1, 3))
    layer = RowwiseConv1d(3, 5, 3, rows="shared")
    layer.load_state_dict({"weight": theirs.weight.squeeze(2), "bias": theirs.bias})
    for n_rows in (1, 6):
        x = torch.randn(2, 3, n_rows, 8)
        torch.testing.assert_close(layer(x), theirs(x))


@given(
    rows=st.sampled_from(ROWS),
    channels=st.sampled_from([(4, 6, 1), (4, 6, 2), (4, 4, 4), (2, 6, 2), (40, 3, 1)]),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    padding=st.sampled_from(["causal", "same", "same_flux", 0, 2]),
    width=st.integers(1, 12),
    n_rows=st.integers(1, 4),
    bias=st.booleans(),
)
def test_equals_its_reference_with_gradients(
    rows: str,
    channels: tuple[int, int, int],
    kernel: int,
    stride: int,
    dilation: int,
    padding: int | str,
    width: int,
    n_rows: int,
    bias: bool,
) -> None:
    c_in, c_out, groups = channels
    layer = RowwiseConv1d(
        c_in, c_out, kernel, stride, padding, dilation, groups, bias, n_rows=n_rows, rows=rows
    ).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    x = torch.randn(2, c_in, n_rows, width, dtype=torch.float64, requires_grad=True)
    if isinstance(padding, int) and width + 2 * padding < (kernel - 1) * dilation + 1:
        with pytest.raises(ConfigError, match="too short"):
            layer(x)
        return
    ours, loop = layer(x), rowwise_reference(layer, x)
    assert ours.is_contiguous()
    torch.testing.assert_close(ours, loop, rtol=0, atol=1e-12)
    direction = torch.randn_like(ours)
    inputs = [x, *layer.parameters()]
    for mine, reference in zip(
        torch.autograd.grad((ours * direction).sum(), inputs),
        torch.autograd.grad((loop * direction).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, reference, rtol=0, atol=1e-10)


@given(dilation=st.integers(1, 3), width=st.integers(7, 12), left=st.integers(0, 3))
def test_the_grouped_form_equals_the_products(dilation: int, width: int, left: int) -> None:
    layer = RowwiseConv1d(3, 2, 3, padding="causal", dilation=dilation, n_rows=4).double()
    x = torch.randn(2, 3, 4, width, dtype=torch.float64)
    weight, bias = layer.row_parameters(4)
    padded = (2 * dilation, 0)
    grouped = rowwise_grouped(x, weight, bias, 1, padded, dilation, 1)
    torch.testing.assert_close(layer(x), grouped, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kernel", [1, 3])
def test_gradcheck(rows: str, kernel: int) -> None:
    layer = RowwiseConv1d(2, 3, kernel, padding=1, n_rows=2, rows=rows).double()
    x = torch.randn(2, 2, 2, 5, dtype=torch.float64, requires_grad=True)
    inputs = (x, *layer.parameters())
    names = [name for name, _ in layer.named_parameters()]

    def function(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("groups", "kernel"), [(1, 3), (1, 1), (2, 3), (4, 3)])
def test_a_row_sees_itself_alone(rows: str, groups: int, kernel: int) -> None:
    layer = RowwiseConv1d(4, 4, kernel, padding="same", groups=groups, n_rows=5, rows=rows)
    x = torch.randn(2, 4, 5, 9)
    out = layer(x)
    for poison in (100.0, float("nan")):
        changed = x.clone()
        changed[:, :, 2] = poison
        others = [0, 1, 3, 4]
        assert torch.equal(layer(changed)[:, :, others], out[:, :, others])
        assert not torch.equal(layer(changed)[:, :, 2], out[:, :, 2])


@given(origin=st.integers(0, 8), rows=st.sampled_from(ROWS))
def test_perturbing_the_future_leaves_the_past_bitwise_equal(origin: int, rows: str) -> None:
    x = torch.randn(2, 3, 4, 10)
    later = x.clone()
    later[..., origin + 1 :] *= -1e6
    for layer in (
        RowwiseConv1d(3, 5, 3, padding="causal", dilation=2, n_rows=4, rows=rows),
        RowwiseSeparableConv1d(3, 5, 3, padding="causal", dilation=2, n_rows=4, rows=rows),
    ):
        assert torch.equal(layer(x)[..., : origin + 1], layer(later)[..., : origin + 1])


def test_pooled_starts_as_shared() -> None:
    pooled = RowwiseConv1d(2, 3, 3, n_rows=4, rows="pooled")
    shared = RowwiseConv1d(2, 3, 3, rows="shared")
    shared.load_state_dict({"weight": pooled.weight, "bias": pooled.bias})
    x = torch.randn(2, 2, 4, 7)
    torch.testing.assert_close(pooled(x), shared(x))


def test_separable_rows_are_loops_of_pairs() -> None:
    pairs = [(nn.Conv1d(3, 6, 3, groups=3, bias=False), nn.Conv1d(6, 4, 1)) for _ in range(5)]
    layer = RowwiseSeparableConv1d(3, 4, 3, depth_multiplier=2, n_rows=5)
    interop.load_rows(layer.depthwise, [pair[0] for pair in pairs])
    interop.load_rows(layer.pointwise, [pair[1] for pair in pairs])
    x = torch.randn(2, 3, 5, 11)
    loop = torch.stack([p(d(x[:, :, h])) for h, (d, p) in enumerate(pairs)], dim=2)
    torch.testing.assert_close(layer(x), loop, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RowwiseConv1d(3, 4, 3), r"`n_rows` \(=None\) must be given"),
        (lambda: RowwiseConv1d(3, 4, 3, n_rows=0), r"`n_rows` \(=0\)"),
        (lambda: RowwiseConv1d(3, 4, 3, groups=2, n_rows=2), r"`in_channels` \(=3\)"),
        (lambda: RowwiseConv1d(3, 4, 3, n_rows=2, rows="seperate"), "did you mean `separate`"),
        (
            lambda: RowwiseConv1d(3, 4, 3, n_rows=2)(torch.zeros(1, 3, 4, 9)),
            r"x has 4 rows, the layer has `n_rows` \(=2\)",
        ),
        (
            lambda: RowwiseConv1d(3, 4, 3, n_rows=2)(torch.zeros(1, 3, 9)),
            r"\(1, 3, 9\), expected \(B, 3, H, W\)",
        ),
        (lambda: RowwiseConv1d(3, 4, 3, n_rows=2)(torch.zeros(1, 3, 2, 2)), "too short"),
        (lambda: RowwiseSeparableConv1d(0, 4, 3, n_rows=2), r"`in_channels` \(=0\)"),
    ],
)
def test_bad_input_is_named(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
