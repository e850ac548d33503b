"""Parameters by row: each row as a layer of its own, rows never seen, what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.model.linear_branch import LinearBranch
from tsconv.nn.rows import ROWS, RowLinear, RowNorm
from tsconv.nn.rowwise import RowwiseConv1d


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


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RowLinear(3, 2, rows="separate"), r"`n_rows` \(=None\) must be given"),
        (lambda: RowLinear(3, 2, rows="pool"), r"did you mean `pooled`"),
        (lambda: RowLinear(0, 2), r"`in_features` \(=0\)"),
        (lambda: RowNorm("batch", 3), r"`norm` \(=batch\)"),
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
