"""Parameters by row: each row as a layer of its own, rows never seen, what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.model.linear_branch import LinearBranch
from tsconv.nn.functional import depthwise_time_major
from tsconv.nn.functional.references import depthwise_time_major_reference
from tsconv.nn.row_mixing import RowMixing, row_mixing_reference
from tsconv.nn.rows import ROWS, RowLinear, RowNorm
from tsconv.nn.rowwise import RowwiseConv1d
from tsconv.nn.tcn import TemporalStack


def randomised(layer: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn(p.shape, generator=generator))
    return layer.double()


@given(
    rows=st.sampled_from(ROWS),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 5)),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    bias=st.booleans(),
)
def test_a_linear_map_by_row_equals_the_loop(
    rows: str, shape: tuple[int, int, int], sizes: tuple[int, int], bias: bool
) -> None:
    layer = randomised(RowLinear(*sizes, bias, n_rows=shape[0], rows=rows))
    x = torch.randn(*shape, sizes[0], dtype=torch.float64)
    weight = layer.of_rows("weight").expand(shape[0], -1, -1)
    offset = layer.of_rows("bias").expand(shape[0], -1) if bias else [None] * shape[0]
    loop = torch.stack([F.linear(x[h], weight[h], offset[h]) for h in range(shape[0])])
    torch.testing.assert_close(layer(x), loop, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["layer", "rms"])
@pytest.mark.parametrize("rows", ROWS)
def test_a_norm_by_row_equals_the_loop(name: str, rows: str) -> None:
    norm = randomised(RowNorm(name, 6, n_rows=3, rows=rows))
    x = torch.randn(3, 2, 5, 6, dtype=torch.float64)
    weight = norm.of_rows("weight").expand(3, -1)
    plain = (
        F.layer_norm(x, (6,))
        if name == "layer"
        else x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    )
    offset = norm.of_rows("bias").expand(3, -1) if name == "layer" else torch.zeros(3, 6)
    loop = torch.stack([plain[h] * weight[h] + offset[h] for h in range(3)])
    torch.testing.assert_close(norm(x), loop, rtol=0, atol=1e-12)


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
    ours, twin = (
        f(x, weight, bias, dilation) for f in (depthwise_time_major, depthwise_time_major_reference)
    )
    torch.testing.assert_close(ours, twin, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", [RowLinear(3, 2, n_rows=4, rows="pooled")])
def test_pooled_rows_start_alike_and_serve_a_row_never_seen(layer: RowLinear) -> None:
    x = torch.randn(4, 2, 5, 3)
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))
    with torch.no_grad():
        layer.row_weight.normal_()
    out = layer(x[:2], torch.tensor([2, -1]))
    torch.testing.assert_close(out[1], F.linear(x[1], layer.weight, layer.bias))
    own = layer.weight + layer.row_weight.view(4, 2, 3)[2]
    torch.testing.assert_close(out[0], F.linear(x[0], own, layer.bias))


@pytest.mark.parametrize("rows", ["separate", "pooled"])
def test_a_choice_of_rows_is_their_part_of_the_whole(rows: str) -> None:
    conv = randomised(RowwiseConv1d(2, 3, 3, n_rows=5, rows=rows))
    linear = randomised(RowLinear(2, 3, n_rows=5, rows=rows))
    row_index = torch.tensor([4, 0, 2])
    x = torch.randn(2, 2, 5, 9, dtype=torch.float64)
    torch.testing.assert_close(conv(x[:, :, row_index], row_index), conv(x)[:, :, row_index])
    z = torch.randn(5, 2, 4, 2, dtype=torch.float64)
    torch.testing.assert_close(linear(z[row_index], row_index), linear(z)[row_index])


def test_the_linear_branch_by_row_and_channel_equals_the_loop() -> None:
    branch = randomised(LinearBranch(4, 3, n_channels=2, n_rows=3, rows="separate"))
    x, mask = torch.randn(3, 2, 5, 9).double(), (torch.rand(3, 2, 5, 9) > 0.3).double()
    mu, inverse = torch.randn(3, 2, 5, 6).double(), torch.rand(3, 2, 5, 6).double()
    out = branch(x, mask, mu, inverse)
    assert out.shape == (3, 2, 5, 6, 3)
    weight = branch.weight.view(3, 2, 3, 4)
    for h in range(3):
        for c in range(2):
            one = LinearBranch(4, 3).double()
            one.weight = nn.Parameter(weight[h, c])
            alone = one(x[h, c], mask[h, c], mu[h, c], inverse[h, c])
            torch.testing.assert_close(out[h, c], alone, rtol=0, atol=1e-12)


@given(
    kind=st.sampled_from(["mean", "dense"]),
    rows=st.sampled_from(ROWS),
    n_rows=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_what_rows_tell_equals_the_loop(kind: str, rows: str, n_rows: int, seed: int) -> None:
    layer = randomised(RowMixing(3, kind, n_rows=n_rows, rows=rows), seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, 2, 4, 3, generator=generator, dtype=torch.float64)
    present = (torch.rand(n_rows, 2, 4, 1, generator=generator) > 0.4).double()
    torch.testing.assert_close(
        layer(x, present), row_mixing_reference(layer, x, present), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("kind", ["mean", "dense"])
def test_rows_begin_apart_and_an_absent_row_tells_nothing(kind: str) -> None:
    layer = RowMixing(3, kind, n_rows=4)
    x, present = torch.randn(4, 2, 5, 3), torch.ones(4, 2, 5, 1)
    assert torch.equal(layer(x, present), x)
    randomised(layer).float()
    present[1] = 0
    changed = x.clone()
    changed[1] = 1e6
    kept = [0, 2, 3]
    assert torch.equal(layer(x, present)[kept], layer(changed, present)[kept])


def test_the_mean_of_rows_takes_any_number_of_them_in_any_order() -> None:
    layer = randomised(RowMixing(3, "mean"))
    for n_rows in (1, 2, 7):
        x, order = torch.randn(n_rows, 2, 4, 3).double(), torch.randperm(n_rows)
        present = (torch.rand(n_rows, 2, 4, 1) > 0.3).double()
        torch.testing.assert_close(layer(x[order], present[order]), layer(x, present)[order])


def test_in_the_stack_a_row_is_heard_at_the_step_at_which_it_is_present() -> None:
    stack = randomised(TemporalStack(3, 2, 2, cross_row="mean")).eval()
    x = torch.randn(3, 2, 9, 3, dtype=torch.float64)
    present = torch.ones(3, 2, 9, dtype=torch.float64)
    present[1, :, :5] = 0
    one = stack.blocks[0](x)  # a step shorter
    one = row_mixing_reference(stack.cross[0], one, present[..., 1:].unsqueeze(-1))
    two = stack.blocks[1](one)  # two more
    two = row_mixing_reference(stack.cross[1], two, present[..., 3:].unsqueeze(-1))
    torch.testing.assert_close(stack(x, present), two, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RowLinear(3, 2, rows="separate"), r"`n_rows` \(=None\) must be given"),
        (lambda: RowLinear(3, 2, rows="pool"), r"did you mean `pooled`"),
        (lambda: RowLinear(0, 2), r"`in_features` \(=0\)"),
        (lambda: RowNorm("batch", 3), r"`norm` \(=batch\)"),
        (lambda: RowMixing(3, "sum"), r"`cross_row` \(=sum\)"),
        (lambda: RowMixing(3, "dense"), r"`n_rows` \(=None\) must be given with `cross_row`"),
        (
            lambda: RowMixing(3, "dense", n_rows=2)(
                torch.zeros(3, 1, 1, 3), torch.ones(3, 1, 1, 1)
            ),
            r"x has 3 rows, `cross_row` \(=dense\) mixes `n_rows` \(=2\)",
        ),
        (
            lambda: RowwiseConv1d(2, 2, 3, n_rows=2)(
                torch.zeros(1, 2, 2, 9), torch.tensor([0, -1])
            ),
            "`rows=pooled` serves rows never seen",
        ),
        (
            lambda: RowwiseConv1d(2, 2, 3, n_rows=2)(torch.zeros(1, 2, 2, 9), torch.tensor([0])),
            r"`row_index` has shape \(1,\), x has 2 rows",
        ),
    ],
)
def test_bad_arguments_are_named(build: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()  # type: ignore[operator]
