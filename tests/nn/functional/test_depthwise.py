"""The fast depthwise convolutions, both layouts, against PyTorch's grouped one."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import forward_ad
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn import functional
from tsconv.nn.functional import depthwise_conv1d, depthwise_time_major
from tsconv.nn.functional._depthwise_operator import OPERATOR_NAME, source_hash
from tsconv.nn.functional._shifted_sums import correlate, correlate_taps
from tsconv.nn.functional.references import depthwise_time_major_reference


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


@given(
    by_row=st.booleans(),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 12), st.integers(1, 4)),
    kernel=st.integers(1, 4),
    dilation=st.integers(1, 3),
)
def test_taps_by_row_equal_the_grouped_convolution_of_each(
    by_row: bool, shape: tuple[int, int, int, int], kernel: int, dilation: int
) -> None:
    n_rows, _, width, channels = shape
    if width < (kernel - 1) * dilation + 1:
        return
    lead = (n_rows,) if by_row else ()
    weight = torch.randn(*lead, channels, 1, kernel, dtype=torch.float64)
    bias = torch.randn(*lead, channels, dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64)
    ours, reference = (
        f(x, weight, bias, dilation) for f in (depthwise_time_major, depthwise_time_major_reference)
    )
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-12)


@given(
    lead=st.sampled_from([(), (2,), (2, 3)]),
    by_row=st.booleans(),
    kernel=st.integers(1, 4),
    dilation=st.integers(1, 3),
    extra=st.integers(1, 7),
    wanted=st.sets(st.sampled_from(["x", "weight", "bias"]), min_size=1),
)
def test_gradients_equal_the_grouped_convolution(
    lead: tuple[int, ...], by_row: bool, kernel: int, dilation: int, extra: int, wanted: set[str]
) -> None:
    by_row = by_row and len(lead) == 2
    rows = lead[:1] if by_row else ()
    shapes = {
        "x": (*lead, (kernel - 1) * dilation + extra, 3),
        "weight": (*rows, 3, 1, kernel),
        "bias": (*rows, 3),
    }
    given = {
        key: torch.randn(shape, dtype=torch.float64, requires_grad=key in wanted)
        for key, shape in shapes.items()
    }
    x = given["x"] if lead else given["x"][None]
    out = [
        depthwise_time_major(given["x"], given["weight"], given["bias"], dilation),
        depthwise_time_major_reference(x, given["weight"], given["bias"], dilation),
    ]
    factor = torch.randn(out[0].shape, dtype=torch.float64)
    needed = [given[key] for key in sorted(wanted)]
    grads = [torch.autograd.grad((o.square() * factor).sum(), needed) for o in out]
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


def test_gradients_in_bfloat16_lose_no_more_than_their_rounding() -> None:
    """Sums over 4,000 steps: added up in bfloat16 they would stop at 256 times a term."""
    x = torch.ones(1, 4002, 2, dtype=torch.bfloat16)
    weight = torch.ones(2, 1, 3, dtype=torch.bfloat16, requires_grad=True)
    bias = torch.zeros(2, dtype=torch.bfloat16, requires_grad=True)
    grads = torch.autograd.grad(depthwise_time_major(x, weight, bias).sum(), (weight, bias))
    for grad in grads:
        torch.testing.assert_close(
            grad.float(), torch.full_like(grad.float(), 4000), rtol=4e-3, atol=0
        )


def test_derivatives_by_torch_func_go_through() -> None:
    x, weight = torch.randn(1, 9, 2), torch.randn(2, 1, 3)
    ours, theirs = (
        torch.func.jacrev(lambda w, f=f: f(x, w, None, 2))(weight)
        for f in (depthwise_time_major, depthwise_time_major_reference)
    )
    torch.testing.assert_close(ours, theirs)


def test_golden_vector_with_two_filters() -> None:
    # Rows [1,2,3,4] and [10,20,30,40]; taps [1,0] pass the earlier step on, [1,1] add two steps.
    x = torch.tensor([[1.0, 2, 3, 4], [10, 20, 30, 40]]).t()[None]
    weight = torch.tensor([[[1.0, 0]], [[1, 1]]])
    assert depthwise_time_major(x, weight)[0].t().tolist() == [[1, 2, 3], [30, 50, 70]]


def test_too_short_an_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="4 steps, too short for kernel_size=3 at dilation=2"):
        depthwise_time_major(torch.zeros(1, 4, 2), torch.zeros(2, 1, 3), None, 2)


sizes = {
    "width": st.integers(1, 24),
    "kernel": st.integers(1, 6),
    "dilation": st.integers(1, 4),
    "left": st.integers(0, 8),
    "right": st.integers(0, 8),
}


def grouped(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *padded_dilation: int
) -> torch.Tensor:
    left, right, dilation = padded_dilation
    x = F.pad(x, (left, right))
    return F.conv1d(x, weight, bias, dilation=dilation, groups=x.shape[1])


@given(**sizes, bias=st.booleans(), multiplier=st.integers(1, 3), stride=st.integers(1, 3))
def test_channels_first_equals_torch_with_gradients(
    width: int,
    kernel: int,
    dilation: int,
    left: int,
    right: int,
    bias: bool,
    multiplier: int,
    stride: int,
) -> None:
    if width + left + right < (kernel - 1) * dilation + 1:
        return
    x = torch.randn(2, 3, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3 * multiplier, 1, kernel, dtype=torch.float64, requires_grad=True)
    offset = torch.randn(3 * multiplier, dtype=torch.float64, requires_grad=True) if bias else None
    inputs = [x, weight] + ([offset] if bias else [])
    ours = depthwise_conv1d(x, weight, offset, stride, (left, right), dilation)
    theirs = grouped(x, weight, offset, left, right, dilation)[..., ::stride]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    direction = torch.randn_like(ours)
    for mine, reference in zip(
        torch.autograd.grad((ours * direction).sum(), inputs),
        torch.autograd.grad((theirs * direction).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, reference, rtol=0, atol=1e-11)


@given(**sizes)
def test_the_compiled_form_equals_torch(
    width: int, kernel: int, dilation: int, left: int, right: int
) -> None:
    """`correlate` and `correlate_taps` are what a compiler gets; here they run as they are."""
    reach = (kernel - 1) * dilation
    if width + left + right < reach + 1:
        return
    x = torch.randn(2, 3, width, dtype=torch.float64)
    weight = torch.randn(3, 1, kernel, dtype=torch.float64, requires_grad=True)
    theirs = grouped(x, weight, None, left, right, dilation)
    ours = correlate(x, weight.squeeze(1), left, right, dilation)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    direction = torch.randn_like(theirs)
    (expected,) = torch.autograd.grad((theirs * direction).sum(), weight)
    taps = correlate_taps(x, direction, kernel, left, right, dilation)
    torch.testing.assert_close(taps, expected.squeeze(1), rtol=0, atol=1e-11)
    x.requires_grad_()
    (expected,) = torch.autograd.grad(
        (grouped(x, weight, None, left, right, dilation) * direction).sum(), x
    )
    back = correlate(direction, weight.squeeze(1).flip(1), reach - left, reach - right, dilation)
    torch.testing.assert_close(back, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("padded", [(0, 0), (4, 0), (1, 2), (6, 6)])
def test_gradcheck_twice(padded: tuple[int, int]) -> None:
    x = torch.randn(2, 2, 7, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)

    def function(*inputs: torch.Tensor) -> torch.Tensor:
        return depthwise_conv1d(*inputs, 1, padded, 2)

    assert torch.autograd.gradcheck(function, (x, weight, bias))
    assert torch.autograd.gradgradcheck(function, (x, weight, bias))


def test_autocast_and_function_transforms_go_through() -> None:
    x, weight = torch.randn(3, 2, 4, 9), torch.randn(4, 1, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out = depthwise_conv1d(x[0], weight, None, 1, (2, 0))
    assert out.dtype == torch.bfloat16
    out.sum().backward()
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32
    batched = torch.vmap(lambda v: depthwise_conv1d(v, weight, None, 1, (2, 0)))(x)
    torch.testing.assert_close(batched[1], depthwise_conv1d(x[1], weight, None, 1, (2, 0)))


def test_forward_mode_and_batched_gradients() -> None:
    x, weight = torch.randn(2, 4, 9), torch.randn(4, 1, 3)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.ones_like(x))
        tangent = forward_ad.unpack_dual(depthwise_conv1d(dual, weight)).tangent
    torch.testing.assert_close(tangent, depthwise_conv1d(torch.ones_like(x), weight))
    x.requires_grad_()
    out = depthwise_conv1d(x, weight, None, 1, (2, 0))
    directions = torch.randn(3, *out.shape)
    (batched,) = torch.autograd.grad(out, x, directions, is_grads_batched=True, retain_graph=True)
    (one,) = torch.autograd.grad(out, x, directions[1])
    torch.testing.assert_close(batched[1], one)


def test_the_compiled_operator_is_named_by_the_code_it_runs(tmp_path: Path) -> None:
    """Inductor's cache on disk knows an operator by its name alone, see `_depthwise_operator`."""
    package = Path(functional.__file__).parent
    assert f"depthwise_{source_hash(package)}" == OPERATOR_NAME
    assert hasattr(torch.ops.tsconv, OPERATOR_NAME)
    names = {"_shifted_sums.py", "_depthwise_function.py", "_depthwise_operator.py"}
    for name in names:
        (tmp_path / name).write_bytes((package / name).read_bytes())
    for name in names:
        before = source_hash(tmp_path)
        with (tmp_path / name).open("a") as file:
            file.write("# changed\n")
        assert source_hash(tmp_path) != before
