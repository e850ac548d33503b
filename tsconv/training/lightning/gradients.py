"""What happens to gradients before an optimizer step: one norm guards them and clips them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tsconv.errors import TrainingError


def guard_and_clip_gradients(
    parameters: Iterable[nn.Parameter],
    step: int,
    clip_value: float | None = None,
    algorithm: str | None = None,
) -> None:
    """Stop before an optimizer step that a NaN or infinite gradient would spoil; else clip.

    Args:
        parameters: those that the optimizer changes; gradients are clipped in place.
        step: the number of optimizer steps so far, for the message.
        clip_value: the largest norm, or the largest element; None or 0 clips nothing.
        algorithm: "value" clips each element, anything else the norm over all parameters.

    Raises TrainingError for a gradient that is not finite. Gradients are reduced over ranks by
    then, so every rank stops at the same step.

    >>> import torch
    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> weight.grad = torch.tensor([3.0, 4.0])
    >>> guard_and_clip_gradients([weight], step=0, clip_value=1.0)
    >>> weight.grad
    tensor([0.6000, 0.8000])
    """
    changed = [p for p in parameters if p.grad is not None]
    norm = _total_norm(changed)
    if not torch.isfinite(norm):
        raise TrainingError(
            f"the gradient is not finite at step {step}: no weight was changed; "
            f"lower `optimizer.lr`, or look for extreme values in the data"
        )
    if not clip_value:
        return
    if algorithm == "value":
        nn.utils.clip_grad_value_(changed, clip_value)
    else:
        nn.utils.clip_grads_with_norm_(changed, clip_value, norm)


def _total_norm(parameters: list[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together."""
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
