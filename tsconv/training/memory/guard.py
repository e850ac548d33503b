"""Says before a training that memory will not suffice, or hardly."""

from __future__ import annotations

from tsconv.available_memory import Available, available_memory, resident_bytes
from tsconv.distributed.ranks import Ranks
from tsconv.errors import TrainingError
from tsconv.text import format_bytes
from tsconv.training.lightning.strategy import training_device
from tsconv.training.memory.estimate import estimate_memory, panel_bytes
from tsconv.training.memory.step_memory import StepMemory, most_kept, step_memory
from tsconv.training.prepare import Prepared

_CLOSE = 0.8  # of what is available: said, and not refused
_NO_CLOSER_LOOK = 0.2  # a training whose bounds lie below is not looked at


def check_memory(prepared: Prepared, ranks: Ranks) -> str | None:
    """Compare what a training needs with what its device has left; a note where that is close.

    Raises TrainingError where the panel and a batch alone need more, and names what to change. The
    estimate is that of `tsconv check`, without what the process has taken already. Says nothing
    where it cannot be read what there is.
    """
    device = training_device(prepared.config.trainer)
    available = available_memory(device)
    if available is None:
        return None
    here = ranks.local_size if device.type == "cpu" else 1  # processes that share it
    if not prepared.config.model.stack or _is_small(prepared, ranks, available.n_bytes // here):
        return None
    step = step_memory(prepared, ranks.size)
    _require(prepared, step, available, here, device.type)
    if device.type != "cpu":
        return None
    estimate = estimate_memory(prepared, ranks.size, step)
    already = resident_bytes() or 0
    more = max(estimate.largest_phase, estimate.peak - already) + (here - 1) * estimate.peak
    if more <= _CLOSE * available.n_bytes:
        return None
    return (
        f"memory: this training will take about {format_bytes(more)} more, and "
        f"{format_bytes(available.n_bytes)} are available {available.limit}; where it does not "
        f"suffice, {_what_to_change(prepared)}"
    )


def _is_small(prepared: Prepared, ranks: Ranks, available: int) -> bool:
    """Whether bounds that cost nothing to find lie far below what there is."""
    most = most_kept(prepared, ranks.size) + 8 * panel_bytes(prepared.panel) + 1_000_000_000
    return most <= _NO_CLOSER_LOOK * available


def _require(
    prepared: Prepared, step: StepMemory, available: Available, here: int, device: str
) -> None:
    """Raise TrainingError where what is surely needed is more than there is."""
    panel = panel_bytes(prepared.panel)
    copies = here - 1 if device == "cpu" else 0  # on a device only where it fits
    needed = here * step.total + copies * panel
    if needed <= available.n_bytes:
        return
    batches = f"a training batch needs about {format_bytes(step.total)}"
    if here > 1:
        batches += f" in each of {here} processes"
    if copies and panel > step.total:
        batches = f"the panel needs {format_bytes(panel)} and {batches}"
    raise TrainingError(
        f"{batches}, and {format_bytes(available.n_bytes)} are available {available.limit}: "
        f"{_what_to_change(prepared)}"
    )


def _what_to_change(prepared: Prepared) -> str:
    config = prepared.config
    keys = [
        f"data.chunks_per_batch (={config.data.chunks_per_batch})",
        f"data.origins_per_chunk (={config.data.origins_per_chunk})",
        f"context_length (={config.context_length})",
        f"model.hidden (={config.model.hidden})",
    ]
    levels = len(prepared.net.quantiles)
    if levels > 1:
        keys.append(f"head.quantiles ({levels} of them)")
    return f"set {', '.join(keys[:-1])} or {keys[-1]} lower"
