"""Materialised tensors: the same values and gradients, kept once in compiled code."""

import torch
from torch import Tensor
from torch._inductor.utils import run_and_get_code

from tsconv.nn.functional.materialize import lower_materialize, materialized
from tsconv.nn.tcn import TemporalStack


def three_readers(x: Tensor) -> Tensor:
    y = materialized(torch.erf(x))
    return y[1:] + 2 * y[:-1]


def test_eager_it_is_the_tensor_itself() -> None:
    x = torch.ones(2)
    assert materialized(x) is x


def test_compiled_values_and_gradients_are_the_same() -> None:
    lower_materialize()
    lower_materialize()  # a second time changes nothing
    x = torch.linspace(-2, 2, 40, requires_grad=True)
    expected = three_readers(x)
    found = torch.compile(three_readers, dynamic=False)(x)
    torch.testing.assert_close(found, expected)
    for loss in (found, expected):
        loss.sum().backward()
    assert x.grad is not None
    once = x.grad / 2
    torch.testing.assert_close(
        once, 3 * 2 / torch.pi**0.5 * torch.exp(-(x.detach() ** 2)) - edge(x)
    )


def edge(x: Tensor) -> Tensor:
    """What the first and the last step lack, which are read once: twice and once its derivative."""
    lacking = torch.zeros_like(x)
    lacking[0], lacking[-1] = 1, 2
    return lacking * 2 / torch.pi**0.5 * torch.exp(-(x.detach() ** 2))


def test_the_expression_is_computed_once() -> None:
    from torch._inductor.utils import run_and_get_code

    lower_materialize()
    torch.compiler.reset()
    with torch.no_grad():
        _, sources = run_and_get_code(torch.compile(three_readers, dynamic=False), torch.ones(64))
    code = "\n".join(sources)
    assert code.count(".erf()") <= 2  # of a loop's whole vectors, and of its rest


def test_compiled_blocks_compute_each_activation_once_from_taps_side_by_side() -> None:
    """Else each tap computes it anew, and fetches its 16 numbers one by one at every step."""
    lower_materialize()
    stack = TemporalStack(16, kernel_size=3, levels=2).eval()
    with torch.no_grad():
        compiled = torch.compile(stack, dynamic=False)
        _, code = run_and_get_code(compiled, torch.randn(2, 64, 16))
    text = "\n".join(code)
    assert text.count("erf(") == 2  # one for each block
    # Taps as the parameters have them are read once for each block at most, to lay them out.
    assert text.count("3L*") <= 2
