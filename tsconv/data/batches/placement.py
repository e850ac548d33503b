"""Where the panel of a training lies: on the device where it fits, else on the host.

A batch from the host is gathered there, into memory that the device copies from by itself, while
the device still computes the step before.
"""

from __future__ import annotations

import torch

from tsconv.data.batches.chunks import Batch
from tsconv.data.panel.panel import Panel
from tsconv.model.covariate_encoder import CovariateBatch

_SHARE = 0.5  # of the memory that a device has left; the rest is for network, batches and forecasts


def fits_on(panel_bytes: int, free_bytes: int | None) -> bool:
    """Whether a panel may lie on a device that has so much memory left.

    free_bytes: None where that cannot be read, and it is tried.

    >>> fits_on(10_000_000, 80_000_000), fits_on(60_000_000, 80_000_000)
    (True, False)
    """
    return free_bytes is None or panel_bytes <= _SHARE * free_bytes


def place_panel(panel: Panel, device: torch.device, free_bytes: int | None) -> Panel:
    """The panel on the device where it fits, as it is where it does not.

    On the CPU it stays where it is, mapped or in memory. free_bytes: what the device has left.
    """
    if device.type == "cpu":
        return panel.to(device)
    size = sum(tensor.numel() * tensor.element_size() for tensor in panel.tensors())
    return panel.to(device) if fits_on(size, free_bytes) else panel


def move_batch(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device; a copy from the host goes on while the host does other things."""
    covariates = batch.covariates
    if covariates is not None:
        covariates = CovariateBatch._make(_moved(part, device) for part in covariates)
    tensors = {k: _moved(part, device) for k, part in batch._asdict().items() if k != "covariates"}
    return batch._replace(**tensors, covariates=covariates)


def _moved(part: torch.Tensor, device: torch.device) -> torch.Tensor:
    if part.device.type == "cpu" and device.type == "cuda":
        return part.pin_memory().to(device, non_blocking=True)
    return part.to(device)
