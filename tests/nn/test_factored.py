"""Factored kernels: their outer product, borders, the factorisation, Gaussians, causality."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn import FactoredFilter, factorize, gaussian
from tsconv.nn.factored import BORDERS, border_index


def whole(x: torch.Tensor, kernel: torch.Tensor, border: str) -> torch.Tensor:
    """Correlate (H, W) with one 2-D kernel around its middle: the reference."""
    pads = [((n - 1) // 2, n // 2) for n in kernel.shape]
    if border == "zeros":
        x = F.pad(x, (*pads[1], *pads[0]))
    elif border != "valid":
        for axis, (left, right) in enumerate(pads):
            x = x.index_select(axis, border_index(x.shape[axis], left, right, border))
    return F.conv2d(x[None, None], kernel[None, None])[0, 0]


@given(
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 6)),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 8)),
    border=st.sampled_from(BORDERS),
)
def test_equals_filtering_with_the_outer_product(
    sizes: tuple[int, int], shape: tuple[int, int], border: str
) -> None:
    factors = [torch.randn(n, dtype=torch.float64) for n in sizes]
    x = torch.randn(shape, dtype=torch.float64)
    layer = FactoredFilter(factors, border=border)
    if border == "valid" and any(n < k for n, k in zip(shape, sizes, strict=True)):
        with pytest.raises(ConfigError, match="too short"):
            layer(x)
        return
    expected = whole(x, torch.outer(*factors), border)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)
    assert layer(x.new_zeros(0, *shape)).shape[0] == 0
    stack = torch.stack([x, 2 * x])[None]  # leading axes are a batch
    torch.testing.assert_close(layer(stack)[0, 1], 2 * expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("border", [b for b in BORDERS if b != "valid"])
def test_two_factors_of_one_axis_are_padded_once(border: str) -> None:
    a, b = torch.randn(3, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    x = torch.randn(9, dtype=torch.float64)
    both = FactoredFilter([a, b], axes=[-1, -1], border=border)
    product = F.conv1d(F.pad(a[None, None], (4, 4)), b.flip(0)[None, None])[0, 0]  # 7 taps
    one = FactoredFilter([product], border=border)
    torch.testing.assert_close(both(x), one(x), rtol=0, atol=1e-12)
    assert both.reach(-1) == (3, 3)


@pytest.mark.parametrize(
    ("border", "expected"),
    [
        ("replicate", [0, 0, 0, 1, 2, 3, 3]),
        ("reflect", [2, 1, 0, 1, 2, 3, 2]),
        ("symmetric", [1, 0, 0, 1, 2, 3, 3]),
        ("circular", [2, 3, 0, 1, 2, 3, 0]),
    ],
)
def test_borders(border: str, expected: list[int]) -> None:
    assert border_index(4, 2, 1, border).tolist() == expected
    far = border_index(2, 9, 9, border)  # farther than the axis is long
    assert int(far.min()) == 0
    assert int(far.max()) == 1
    assert border_index(1, 3, 3, border).tolist() == [0] * 7


def test_an_even_kernel_has_its_origin_at_the_earlier_middle() -> None:
    layer = FactoredFilter([torch.tensor([1.0, 10])], border="zeros")
    assert layer(torch.tensor([1.0, 2, 3])).tolist() == [21, 32, 3]


@given(rows=st.integers(1, 6), columns=st.integers(1, 6))
def test_factorize_takes_an_outer_product_apart(rows: int, columns: int) -> None:
    u = torch.randn(rows, dtype=torch.float64)
    v = torch.randn(columns, dtype=torch.float64)
    matrix = torch.outer(u, v)
    column, row = factorize(matrix)
    torch.testing.assert_close(torch.outer(column, row), matrix, rtol=0, atol=1e-12)
    assert column.norm().item() == pytest.approx(row.norm().item())  # sqrt(s) on either side
    assert column[column.abs().argmax()] > 0


def test_factorize_refuses_what_is_no_product() -> None:
    with pytest.raises(ConfigError, match=r"second singular value is 1 of the first, .* 1.49e-08"):
        factorize(torch.eye(2, dtype=torch.float64))
    almost = torch.outer(torch.ones(2), torch.ones(2)).double()
    factorize(almost + 1e-9 * torch.eye(2, dtype=torch.float64))  # below the tolerance
    with pytest.raises(ConfigError, match="not separable"):
        factorize(almost + 1e-6 * torch.eye(2, dtype=torch.float64))
    for scale in (1e-9, 1e9):  # whatever the scale
        factorize(scale * torch.outer(torch.arange(1.0, 6), torch.arange(1.0, 6)))
        with pytest.raises(ConfigError, match="not separable"):
            factorize(scale * torch.eye(3))
    for wrong in (torch.ones(3), torch.eye(2).half(), torch.full((2, 2), float("nan")), [[1.0]]):
        with pytest.raises(ConfigError):
            factorize(wrong)  # type: ignore[arg-type]


def test_a_gaussian_filter_equals_its_matrix() -> None:
    taps = gaussian(1.5)
    matrix = torch.outer(taps, taps)
    column, row = factorize(matrix)
    x = torch.randn(20, 30, dtype=torch.float64)
    expected = FactoredFilter([taps, taps])(x)
    torch.testing.assert_close(FactoredFilter([column, row])(x), expected, rtol=0, atol=1e-12)


@given(sigma=st.floats(0.2, 9), causal=st.booleans())
def test_gaussians_keep_constants_and_derivatives_measure_slopes(
    sigma: float, causal: bool
) -> None:
    smooth, slope = (gaussian(sigma, order=order, causal=causal) for order in (0, 1))
    assert smooth.sum().item() == pytest.approx(1)
    assert slope.sum().item() == pytest.approx(0, abs=1e-9)
    ramp = 3 * torch.arange(len(slope), dtype=torch.float64) + 5
    assert (slope @ ramp).item() == pytest.approx(3)
    assert len(smooth) == (2 if causal else 4) * math.ceil(sigma) + 1
    if not causal:
        torch.testing.assert_close(smooth, smooth.flip(0))
        torch.testing.assert_close(slope, -slope.flip(0))
    else:
        assert smooth.argmax() == len(smooth) - 1  # the current step weighs most


def test_a_gaussian_is_its_formula() -> None:
    step = torch.arange(-4, 5, dtype=torch.float64)
    expected = torch.exp(-(step**2) / (2 * 2.0**2))
    torch.testing.assert_close(gaussian(2.0), expected / expected.sum())


@given(origin=st.integers(0, 10))
def test_the_causal_form_never_sees_a_later_step(origin: int) -> None:
    x = torch.randn(3, 12)
    later = x.clone()
    later[:, origin + 1 :] = 1e6
    for border in ("replicate", "zeros"):
        layer = FactoredFilter([gaussian(2.0, causal=True)], border=border, causal=True)
        assert layer(x).shape == x.shape
        assert torch.equal(layer(x)[:, : origin + 1], layer(later)[:, : origin + 1])
    centred = FactoredFilter([gaussian(2.0)])
    assert not torch.equal(centred(x)[:, : origin + 1], centred(later)[:, : origin + 1])


def test_the_causal_form_is_the_centred_one_delayed() -> None:
    x = torch.randn(40, dtype=torch.float64)
    taps = gaussian(2.0)
    centred = FactoredFilter([taps])(x)
    delayed = FactoredFilter([taps], causal=True)(x)
    torch.testing.assert_close(delayed[8:], centred[4:-4], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FactoredFilter([torch.ones(2, 2)]), r"factor 0 has shape \(2, 2\)"),
        (lambda: FactoredFilter([torch.ones(2)], border="mirror"), r"`border` \(=mirror\)"),
        (lambda: FactoredFilter([torch.ones(2)], axes=[0]), r"`axes` \(=\[0\]\)"),
        (lambda: FactoredFilter([]), r"`factors` \(=0\)"),
        (
            lambda: FactoredFilter([torch.ones(2)], border="circular", causal=True),
            r"`border` \(=circular\) repeats later steps",
        ),
        (lambda: FactoredFilter([torch.ones(2)])(torch.arange(4)), r"type torch.int64, expected"),
        (lambda: FactoredFilter(["a"]), r"factor 0 \(=a\)"),
        (lambda: gaussian(0.001, order=1), r"`sigma` \(=0.001\) is too small"),
        (lambda: gaussian("2"), r"`sigma` \(=2\)"),
        (lambda: FactoredFilter([torch.ones(2)] * 2)(torch.zeros(4)), "too few axes"),
        (lambda: gaussian(0), r"`sigma` \(=0\)"),
        (lambda: gaussian(1.0, 4), r"`length` \(=4\) must be odd"),
        (lambda: gaussian(1.0, order=2), r"`order` \(=2\)"),
        (lambda: gaussian(1.0, -3), r"`length` \(=-3\)"),
    ],
)
def test_bad_input_is_named(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]
