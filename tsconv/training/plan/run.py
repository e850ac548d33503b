"""The plan of a training: everything is prepared, a little of each part is timed, nothing kept."""

from __future__ import annotations

import copy
import dataclasses
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from tsconv.available_memory import peak_resident_bytes
from tsconv.calibration.conformal import Calibration
from tsconv.config.schema import TrainConfig
from tsconv.data.reading.table import Table
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.threads import torch_threads
from tsconv.errors import ConfigError
from tsconv.training.lightning.strategy import count_devices, training_device
from tsconv.training.linear_context import with_best_context
from tsconv.training.memory.estimate import estimate_memory
from tsconv.training.memory.guard import check_memory
from tsconv.training.memory.smaller_chunks import with_smaller_chunks
from tsconv.training.panel_cache import PanelCache
from tsconv.training.plan.plan import GUESS, Part, Plan
from tsconv.training.plan.steps import StepCost, measure_steps
from tsconv.training.plan.thinned import first_share, seconds_of_all, thinned_split
from tsconv.training.prepare import Prepared, check_config
from tsconv.training.refit import SHARE, wants_refit
from tsconv.training.run import calibrated_scores, write_run
from tsconv.training.solved_start import SolvedStart, linear_solver, untrained_result
from tsconv.training.step.process_settings import deterministic_algorithms

_ENOUGH, _BRIEF = 0.8, 0.1  # seconds of a part of a part: of a plan, and of a glance at it
_PLOTTED = 200  # series of a rehearsal of writing
_SOLVED_AT_ONCE = 20e9  # multiplications of solving that are not extrapolated
_WRITING, _PLOTTING = 0.1, 2.0  # seconds, where nothing is measured


def plan_training(
    config: TrainConfig, table: Table | None = None, panel_cache: PanelCache | None = None
) -> Plan:
    """What `train` would take with these arguments, without training.

    Reads and prepares as `train` does, times a few steps, a part of a validation and a part of
    scoring, and writes the untrained network to a temporary folder that it removes. Raises
    TsconvError where `train` would before its first step, and ConfigError with `resume`.
    """
    if panel_cache is None:
        with PanelCache() as own:
            return plan_training(config, table, own)
    begun, started = time.perf_counter(), process_seconds()
    if config.resume is not None:
        raise ConfigError(
            f"`dry_run` says what a whole training takes: leave `resume` (={config.resume}) out"
        )
    config = check_config(dataclasses.replace(config, dry_run=False, budget=None))
    ranks = max(1, count_devices(config.trainer)) * int(config.trainer.get("num_nodes") or 1)
    with torch_threads(config.threads), deterministic_algorithms(config.deterministic):
        if table is None:
            panel_cache.panel(config)
        read = time.perf_counter() - begun
        begun = time.perf_counter()
        prepared = with_best_context(
            config,
            panel_cache.prepare(config, table),
            lambda other: panel_cache.prepare(other, table),
        )
        close = check_memory(prepared, Ranks.alone())
        parts = [] if started is None else [Part("starting", started, "measured: imports")]
        parts += [Part("reading", read), Part("preparing", time.perf_counter() - begun)]
        plan = plan_prepared(prepared, parts, ranks, rehearses=True)
        notes = plan.notes if close is None else (*plan.notes, close)
        return dataclasses.replace(plan, notes=notes, measured_peak=peak_resident_bytes())


def plan_prepared(
    prepared: Prepared, before: list[Part] | None = None, ranks: int = 1, rehearses: bool = False
) -> Plan:
    """The plan of a training that is prepared; the network and the random state stay as they are.

    before: parts that are over. ranks: that train together. rehearses: whether writing is tried in
    a temporary folder, rather than guessed, and the rest timed for longer.
    """
    config, split = prepared.config, prepared.split
    enough = _ENOUGH if rehearses else _BRIEF
    steps = int(config.trainer["max_steps"])
    with torch_threads(config.threads), torch.random.fork_rng(devices=[]):
        solving = _solving(prepared, enough)
        cost = None
        notes: list[str] = []
        if config.model.stack and steps:
            prepared, cost = _within_memory(prepared, ranks, enough, notes)
        scoring, scores, calibration = _scoring(prepared, enough)
        writing = _writing(prepared, cost, scores, calibration, rehearses)
    parts = [*(before or []), *solving]
    every = config.trainer.get("val_check_interval") or steps
    validations = int(steps // every) if split.val is not None and cost is not None else 0
    if cost is not None:
        parts += _training_parts(cost, steps, validations)
    parts += [Part("scoring", scoring / (ranks if ranks > 1 else 1)), writing]
    if cost is not None and wants_refit(prepared):
        again = cost.step * round(SHARE * steps) + 0.3 * cost.compiling
        parts.append(Part("refit", again + cost.setting_up, cost.step_source))
    if ranks > 1:
        notes.append(f"{ranks} ranks: timed on one, without what they send each other")
    if config.callbacks.patience is not None:
        notes.append("callbacks.patience may end it sooner")
    if config.report is not None:
        notes.append("the report is not counted")
    data, net = config.data, prepared.net
    sides = len(prepared.panel.targets) * prepared.panel.n_rows
    origins = (data.origins_per_chunk or 1) * (data.chunks_per_batch or 1) * sides
    compiled = cost is not None and cost.choice.compiled
    memory = estimate_memory(prepared, ranks, compiles=compiled)
    return Plan(
        parts=tuple(parts),
        memory=dataclasses.replace(memory, batch=0 if cost is None else cost.batch_bytes),
        receptive_field=net.receptive_field,
        history=net.history,
        parameters=sum(p.numel() for p in net.parameters()),
        steps=steps,
        origins_per_step=origins * int(config.trainer.get("accumulate_grad_batches") or 1),
        step_seconds=0.0 if cost is None else cost.step,
        precision="float32" if cost is None else cost.choice.precision,
        compiled=compiled,
        device=training_device(config.trainer).type,
        threads=config.threads or torch.get_num_threads(),
        validations=validations,
        notes=tuple(notes),
    )


def process_seconds() -> float | None:
    """Seconds since this process began; None where that cannot be read.

    >>> seconds = process_seconds()
    >>> seconds is None or seconds > 0
    True
    """
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        up = float(Path("/proc/uptime").read_text().split()[0])
        return up - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def _training_parts(cost: StepCost, steps: int, validations: int) -> list[Part]:
    parts = [Part("setting up", cost.setting_up)]
    if cost.choice.compiled:
        parts.append(Part("compiling", cost.compiling, cost.compiling_source))
    parts.append(Part("training", steps * cost.step, cost.step_source))
    if validations:
        parts.append(Part("validating", validations * cost.validation))
    return parts


def _within_memory(
    prepared: Prepared, ranks: int, enough: float, notes: list[str]
) -> tuple[Prepared, StepCost]:
    """The costs of steps; of smaller batches where the device has no memory left for these."""
    try:
        return prepared, measure_steps(prepared, ranks, enough)
    except torch.OutOfMemoryError:
        smaller = with_smaller_chunks(prepared.config)
        if smaller is None or ranks > 1:
            raise
    notes.append("the device has no memory for such batches: the training takes smaller ones")
    prepared = dataclasses.replace(prepared, config=smaller)
    return prepared, measure_steps(prepared, ranks, enough)


def _solving(prepared: Prepared, enough: float) -> list[Part]:
    config = prepared.config
    if config.model.linear_start != "solved" or prepared.net.linear is None:
        return []

    def run(share: float) -> None:
        part = dataclasses.replace(prepared, split=thinned_split(prepared.split, share))
        linear_solver(part).start(copy.deepcopy(prepared.net), config.head.loss_scale)

    origins = prepared.split.train
    sides = len(prepared.panel.targets) * prepared.panel.n_rows
    context = config.context_length or 1
    products = float(origins.counts.sum()) * sides * context * (context + config.horizon)
    first = 1.0 if products <= _SOLVED_AT_ONCE else first_share(origins)
    return [Part("solving", seconds_of_all(run, first, enough))]


def _scoring(prepared: Prepared, enough: float) -> tuple[float, dict[str, Any], Calibration | None]:
    """Seconds of scoring both parts and of fitting the intervals; figures of a part of it."""
    found: list[tuple[dict[str, Any], Calibration | None]] = []
    net = copy.deepcopy(prepared.net).eval()

    def run(share: float) -> None:
        part = dataclasses.replace(prepared, split=thinned_split(prepared.split, share))
        found[:] = [calibrated_scores(part, net)]

    parts = [part for part in (prepared.split.val, prepared.split.test) if part is not None]
    first = max(map(first_share, parts), default=1.0)
    seconds = seconds_of_all(run, first, enough)
    return seconds, *found[0]


def _writing(
    prepared: Prepared,
    cost: StepCost | None,
    scores: dict[str, Any],
    calibration: Calibration | None,
    rehearses: bool,
) -> Part:
    """The run folder: written once to a temporary folder, for a part of the series where many."""
    if not rehearses:
        seconds = _WRITING + (_PLOTTING if prepared.config.plots else 0.0)
        return Part("writing", seconds, f"{GUESS}: `tsconv train dry_run=true` tries it")
    trained = untrained_result(prepared, SolvedStart()) if cost is None else cost.trained

    def run(share: float) -> None:
        part = dataclasses.replace(prepared, split=thinned_split(prepared.split, share))
        with tempfile.TemporaryDirectory(prefix="tsconv-plan-") as folder:
            write_run(part, trained, part.net, scores, Path(folder), calibration=calibration)

    return Part("writing", seconds_of_all(run, min(1.0, _PLOTTED / len(prepared.panel)), 0.0))
