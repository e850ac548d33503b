"""What memory a training takes at its peak, by phase: see docs/guide/training.md.

Constants were measured on trainings of small to long data; they are of glibc and of PyTorch's
build for the CPU. Phases do not come at the same time, so that the peak is that of the largest.
"""

from __future__ import annotations

import dataclasses

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.mapped import in_memory_bytes, mapped_file
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.scoring import scored_at_once
from tsconv.ridge.memory import solving_bytes
from tsconv.training.memory.step_memory import StepMemory, forecast_bytes, step_memory
from tsconv.training.prepare import Prepared

_MB = 1_000_000
_LIBRARIES = 510 * _MB  # torch, pandas, Lightning and the rest, imported
_PREPARED = 28 * _MB  # what the first use of them leaves
_PER_VALUE = 100  # bytes of reading and preparing that a value of the panel leaves behind
_TRAINER = 35 * _MB  # Lightning's own, and the first step's
_COMPILER = 100 * _MB
_SLACK = 1.4  # of a step: glibc keeps what is free between pieces in use
_HIDDEN_COPIES = 3.5  # of a layer's output, in a pass without gradients
_POINT_COPIES, _LEVEL_COPIES = 9, 20  # of all forecasts of a batch that is scored
_PICTURES = 12 * _MB


@dataclasses.dataclass(frozen=True)
class MemoryEstimate:
    """Bytes; each phase is what it adds to the libraries and the panel.

    >>> MemoryEstimate(500, 100, 10, 80, 30, 5, StepMemory(50, 20, 10)).peak
    680
    """

    libraries: int
    panel: int  # with what reading it leaves behind
    solving: int  # of the linear branch
    training: int
    scoring: int
    pictures: int
    step: StepMemory
    compiler: int = 0  # part of training
    batch: int = 0  # one batch of training, as it is fetched; part of what a step keeps

    @property
    def largest_phase(self) -> int:
        """What the largest phase adds."""
        return max(self.solving, self.training, self.scoring, self.pictures)

    @property
    def peak(self) -> int:
        """The most that the process has at once."""
        return self.libraries + self.panel + self.largest_phase


def estimate_memory(
    prepared: Prepared,
    ranks: int = 1,
    step: StepMemory | None = None,
    compiles: bool | None = None,
) -> MemoryEstimate:
    """Estimate the peak of each of the processes that train; ranks: how many.

    step: what a step holds, where that is known already. compiles: whether steps will be compiled;
    None: where the config says so.
    """
    config, split = prepared.config, prepared.split
    step = step or step_memory(prepared, ranks)
    trains = config.model.stack
    compiler = _COMPILER if (config.compile == "true" if compiles is None else compiles) else 0
    training = round(_TRAINER + compiler + _SLACK * step.total)
    return MemoryEstimate(
        libraries=_LIBRARIES,
        panel=_PREPARED + _taken_by(prepared.panel),
        solving=_solving(prepared),
        training=training if trains else 0,
        scoring=max(_scoring(prepared, part, ranks) for part in (split.val, split.test)),
        pictures=_PICTURES if config.plots else 0,
        step=step,
        compiler=compiler if trains else 0,
    )


def panel_bytes(panel: Panel) -> int:
    """Bytes of all tensors of a panel, without those that are mapped, which no memory need hold."""
    return in_memory_bytes(panel.tensors())


def _taken_by(panel: Panel) -> int:
    """Bytes of a panel, and of what reading and preparing it leave behind."""
    if mapped_file(panel.values) is not None:
        return panel_bytes(panel)
    covariates = 0 if panel.covariates is None else panel.covariates.values.numel()
    return max(panel_bytes(panel), _PER_VALUE * (panel.values.numel() + covariates))


def _solving(prepared: Prepared) -> int:
    """The closed form of the linear branch; nothing where it is not solved."""
    config, net = prepared.config, prepared.net
    if config.model.linear_start != "solved" or config.resume is not None or net.linear is None:
        return 0
    return solving_bytes(net.linear, net.by_series, prepared.panel, prepared.split)


def _scoring(prepared: Prepared, origins: OriginRange | None, ranks: int) -> int:
    """A batch of a part of the split: outputs of a layer, and the forecasts of all levels."""
    if origins is None or int(origins.counts.sum()) == 0:
        return 0
    net, panel = prepared.net, prepared.panel
    levels = len(net.quantiles)
    n_steps, n_chunks = scored_at_once(net, panel, origins, levels, ranks)
    n_chunks = min(n_chunks, int((-(-origins.spans // n_steps)).sum()))
    width = n_steps + net.receptive_field - 1
    sides = len(panel.targets) * panel.n_rows
    hidden = 4 * n_chunks * sides * width * net.spec.hidden * net.spec.expansion
    copies = _POINT_COPIES if levels == 1 else _LEVEL_COPIES
    forecasts = levels * forecast_bytes(prepared, n_chunks * n_steps)
    return round(_HIDDEN_COPIES * hidden + copies * forecasts)
