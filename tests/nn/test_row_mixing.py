"""Row mixing against the loop over pairs of rows, alone and in the stack; what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tsconv.errors import ConfigError
from tsconv.nn import CrossRow, RowMixing
from tsconv.nn.row_mixing import row_mixing_reference
from tsconv.nn.rows import ROWS
from tsconv.nn.tcn import TemporalStack


def randomised(layer: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn(p.shape, generator=generator))
    return layer.double()


def test_the_older_name_stays() -> None:
    assert CrossRow is RowMixing


@given(
    kind=st.sampled_from(["mean", "dense"]),
    rows=st.sampled_from(ROWS),
    n_rows=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_equals_the_loop_over_pairs_of_rows(kind: str, rows: str, n_rows: int, seed: int) -> None:
    layer = randomised(RowMixing(3, kind, n_rows=n_rows, rows=rows), seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, 2, 4, 3, generator=generator, dtype=torch.float64)
    present = (torch.rand(n_rows, 2, 4, 1, generator=generator) > 0.4).double()
    torch.testing.assert_close(
        layer(x, present), row_mixing_reference(layer, x, present), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("kind", ["mean", "dense"])
def test_rows_begin_independent_and_an_absent_row_has_no_influence(kind: str) -> None:
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


def test_in_the_stack_a_row_takes_part_at_the_steps_at_which_it_is_present() -> None:
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
        (lambda: RowMixing(3, "sum"), r"`cross_row` \(=sum\)"),
        (lambda: RowMixing(3, "dense"), r"`n_rows` \(=None\) must be given with `cross_row`"),
        (
            lambda: RowMixing(3, "dense", n_rows=2)(
                torch.zeros(3, 1, 1, 3), torch.ones(3, 1, 1, 1)
            ),
            r"x has 3 rows, `cross_row` \(=dense\) mixes `n_rows` \(=2\)",
        ),
    ],
)
def test_bad_arguments_are_named(build: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()  # type: ignore[operator]
