"""What happens to gradients before an optimizer step: one norm guards them and clips them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tsconv.training.lightning.not_finite import NotFinite

# Steps in a row. Each halves the factor of float16's loss, which starts at 2 ** 16.
MOST_FAILURES = 20


def guard_and_clip_gradients(
    parameters: Iterable[nn.Parameter],
    step: int,
    clip_value: float | None = None,
    algorithm: str | None = None,
    factor: Tensor | None = None,
    failures: int | None = None,
    loss: Tensor | None = None,
) -> bool:
    """Stop before an optimizer step that a NaN or infinite gradient would spoil; else clip.

    Args:
        parameters: those that the optimizer changes; gradients are clipped in place.
        step: the number of optimizer steps so far, for the message.
        clip_value: the largest norm, or the largest element; None or 0 clips nothing.
        algorithm: "value" clips each element, anything else the norm over all parameters.
        factor: what gradients are multiplied by before all else; None: 1.
        failures: where the caller skips a step whose gradient is not finite, as float16 with its
            scaled loss does now and then: how many steps in a row it has skipped.
        loss: of the step; a gradient may be finite where it is not.

    Returns whether both are finite. Raises NotFinite where it is not and the step is not
    to be skipped, or too many were skipped already. Gradients are reduced over ranks by then, so
    every rank stops at the same step.

    >>> import torch
    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> weight.grad = torch.tensor([3.0, 4.0])
    >>> guard_and_clip_gradients([weight], step=0, clip_value=1.0)
    True
    >>> weight.grad
    tensor([0.6000, 0.8000])
    """
    changed = [p for p in parameters if p.grad is not None]
    norm = _total_norm(changed)
    if factor is not None:
        norm = norm * factor
    seen = (
        norm if loss is None else norm + loss.to(norm.device, norm.dtype)
    )  # one look at the device
    if not torch.isfinite(seen):
        if failures is not None and failures + 1 < MOST_FAILURES:
            return False
        is_loss = loss is not None and not bool(torch.isfinite(loss))
        raise _not_finite("loss" if is_loss else "gradient", step, failures)
    if factor is not None:
        if clip_value and algorithm != "value":  # in the same pass over the gradients
            factor = factor * (clip_value / (norm + 1e-6)).clamp_max(1)
        torch._foreach_mul_([p.grad for p in changed if p.grad is not None], factor)
    if clip_value and algorithm == "value":
        nn.utils.clip_grad_value_(changed, clip_value)
    elif clip_value and factor is None:
        nn.utils.clip_grads_with_norm_(changed, clip_value, norm)
    return True


def _not_finite(what: str, step: int, failures: int | None) -> NotFinite:
    if failures is None:
        advice = "lower `optimizer.lr`, or look for extreme values in the data"
        return NotFinite(f"the {what} is not finite at step {step}", advice, step)
    return NotFinite(
        f"the {what} was not finite in {failures + 1} steps in a row, the last being step {step}",
        "lower `optimizer.lr`, set precision=float32, or look for extreme values in the data",
        step,
    )


def _total_norm(parameters: list[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together."""
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
