"""What a training would cost: memory counted on one real step, time measured on a few."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import torch

from tsconv.data.batches.chunks import draw_chunks
from tsconv.data.panel.panel import Panel
from tsconv.training.lightning_module import dense_loss
from tsconv.training.prepare import PanelCache, Prepared

_ENOUGH_SECONDS = 2.0  # of timed steps
_MOST_TIMED_STEPS = 3
_FORWARD_SHARE = 0.35  # of a step's time
_WEIGHT_COPIES = 5  # weights, gradients, two moments of AdamW, the running average


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Seconds and bytes; `train_seconds` is for steps on this machine, not compiled, in float32."""

    step_seconds: float
    steps: int
    train_seconds: float
    panel_bytes: int
    step_bytes: int
    parameters: int
    device: str
    threads: int


class PanelWorkshop(PanelCache):
    """A cache around a panel that exists already."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._given = panel

    def panel(self, config: object, table: object = None) -> Panel:
        """The panel, whatever the config."""
        return self._given


def estimate_training(prepared: Prepared) -> Estimate:
    """Run a few training steps on a real batch; the weights of the network do not change."""
    config = prepared.config
    cuda = torch.cuda.is_available() and config.trainer.get("accelerator") in (
        "auto",
        "gpu",
        "cuda",
    )
    device = torch.device("cuda" if cuda else "cpu")
    module, data = prepared.module().to(device).train(), prepared.data()
    data.panel = data.panel.to(device)
    per_chunk = data.origins_per_chunk
    series, first = draw_chunks(
        data.train_segment, config.seed, 0, data.chunks_per_batch, per_chunk
    )
    start = time.perf_counter()
    arguments = module.arguments(data.fetch(data.train_segment, series, first, per_chunk))
    gather = time.perf_counter() - start
    saved = _step_memory(module.net, arguments)
    seconds = [_time_step(module.net, arguments)]
    while len(seconds) < _MOST_TIMED_STEPS and sum(seconds) < _ENOUGH_SECONDS:
        seconds.append(_time_step(module.net, arguments))
    step = min(seconds) + gather
    steps = int(config.trainer["max_steps"])
    weights = sum(p.numel() * p.element_size() for p in module.net.parameters())
    return Estimate(
        step_seconds=step,
        steps=steps,
        train_seconds=steps * step + _validation_steps(prepared) * _FORWARD_SHARE * step,
        panel_bytes=_panel_bytes(prepared.panel),
        step_bytes=saved + _WEIGHT_COPIES * weights,
        parameters=sum(p.numel() for p in module.net.parameters()),
        device=device.type,
        threads=torch.get_num_threads(),
    )


def _panel_bytes(panel: Panel) -> int:
    """Bytes of all tensors of a panel: values, covariates, static columns, calendar."""
    parts = [panel, panel.covariates, panel.static, panel.calendar]
    tensors = [t for part in parts if part is not None for t in vars(part).values()]
    return sum(t.numel() * t.element_size() for t in tensors if isinstance(t, torch.Tensor))


def _validation_steps(prepared: Prepared) -> float:
    """Batches of all validations and of the test, each of the size of a training step's."""
    config, split = prepared.config, prepared.split
    batch = (config.data.origins_per_chunk or 1) * (config.data.chunks_per_batch or 1)
    every = config.trainer.get("val_check_interval") or config.trainer["max_steps"]
    times = math.floor(config.trainer["max_steps"] / every) if every >= 1 else 0
    val, test = (int(p.counts.sum()) if p is not None else 0 for p in (split.val, split.test))
    return ((times + 1) * val + test) / batch


def _step_memory(net: torch.nn.Module, arguments: tuple[Any, ...]) -> int:
    """Bytes that a step keeps for its backward pass, each storage counted once."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss, _ = dense_loss(*arguments)
    torch.autograd.backward(loss)
    net.zero_grad(set_to_none=True)
    return sum(kept.values())


def _time_step(net: torch.nn.Module, arguments: tuple[Any, ...]) -> float:
    """Seconds of one forward and backward pass."""
    start = time.perf_counter()
    loss, _ = dense_loss(*arguments)
    torch.autograd.backward(loss)
    net.zero_grad(set_to_none=True)
    if arguments[1].device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
