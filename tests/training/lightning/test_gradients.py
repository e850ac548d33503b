"""Gradients before an optimizer step: one norm stops at NaN and clips as torch does."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tsconv.errors import TrainingError
from tsconv.training.lightning.gradients import MOST_FAILURES, guard_and_clip_gradients


def parameters(size: float = 1.0) -> list[nn.Parameter]:
    """Three with a gradient and one without."""
    generator = torch.Generator().manual_seed(0)
    made = [nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,), (2, 1, 3), (7,))]
    for p in made[:3]:
        p.grad = size * torch.randn(p.shape, generator=generator)
    return made


@pytest.mark.parametrize("size", [0.01, 100.0])
@pytest.mark.parametrize("algorithm", [None, "norm", "value"])
def test_it_clips_as_torch_does(size: float, algorithm: str | None) -> None:
    ours, theirs = parameters(size), parameters(size)
    guard_and_clip_gradients(ours, 0, 0.5, algorithm)
    if algorithm == "value":
        nn.utils.clip_grad_value_(theirs, 0.5)
    else:
        nn.utils.clip_grad_norm_(theirs, 0.5)
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.equal(a.grad, b.grad)


def test_without_a_limit_gradients_stay() -> None:
    ours, before = parameters(), parameters()
    guard_and_clip_gradients(ours, 0)
    for a, b in zip(ours[:3], before[:3], strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.equal(a.grad, b.grad)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("limit", [None, 1.0])
def test_a_gradient_that_is_not_finite_stops(value: float, limit: float | None) -> None:
    ours = parameters()
    assert ours[1].grad is not None
    ours[1].grad[2] = value
    with pytest.raises(TrainingError, match="not finite at step 17"):
        guard_and_clip_gradients(ours, 17, limit)


class CountNorms(TorchDispatchMode):
    """Counts the elements whose norm is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> torch.Tensor:
        if "norm" in str(func):
            tensors = args[0] if isinstance(args[0], list) else [args[0]]
            self.elements += sum(t.numel() for t in tensors)
        return func(*args, **(kwargs or {}))


def test_the_norm_is_computed_once() -> None:
    ours = parameters()
    with CountNorms() as counted:
        guard_and_clip_gradients(ours, 0, 0.5)
    n_tensors, n_elements = 3, 12 + 5 + 6
    assert counted.elements == n_elements + n_tensors  # each one's norm, and that of the norms


@pytest.mark.parametrize("size", [0.01, 100.0])
@pytest.mark.parametrize("limit", [None, 0.5])
@pytest.mark.parametrize("algorithm", [None, "value"])
def test_a_factor_comes_before_the_limit(
    size: float, limit: float | None, algorithm: str | None
) -> None:
    ours, theirs = parameters(size), parameters(3 * size)
    guard_and_clip_gradients(ours, 0, limit, algorithm, factor=torch.tensor(3.0))
    guard_and_clip_gradients(theirs, 0, limit, algorithm)
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_a_step_may_be_skipped_but_not_for_ever() -> None:
    ours = parameters()
    assert ours[0].grad is not None
    ours[0].grad[0, 0] = torch.inf
    assert not guard_and_clip_gradients(ours, 0, 1.0, failures=0)
    assert not guard_and_clip_gradients(ours, 8, 1.0, failures=MOST_FAILURES - 2)
    with pytest.raises(TrainingError, match=r"in 20 steps in a row, the last being step 9: .*32"):
        guard_and_clip_gradients(ours, 9, 1.0, failures=MOST_FAILURES - 1)
