"""A plan as `tsconv train dry_run=true` and `tsconv check` print it."""

from __future__ import annotations

from tsconv.output.tables import Column, format_table
from tsconv.text import format_bytes, plural
from tsconv.training.memory.estimate import MemoryEstimate
from tsconv.training.plan.plan import MEASURED, Plan


def plan_text(plan: Plan) -> str:
    """The figures of a plan, then its parts in seconds and in memory, a line each."""
    labelled = [Column(18, "<"), Column(0, "<")]
    parts = [
        [part.name, f"{part.seconds:.1f}", "" if part.source == MEASURED else f"  {part.source}"]
        for part in plan.parts
    ]
    seconds = [["seconds", "", ""], *parts, ["total", f"{plan.seconds:.1f}", ""]]
    memory = [
        ["memory, estimated", ""],
        *memory_lines(plan.memory),
        [_peak(plan), format_bytes(plan.peak_bytes)],
    ]
    tables = [
        format_table(labelled, plan_lines(plan)),
        format_table([Column(12, "<"), Column(8), Column(0, "<")], seconds),
        format_table([Column(32, "<"), Column(10)], memory),
    ]
    text = "\n\n".join("\n".join(map(str.rstrip, t.splitlines())) for t in tables)
    return "\n".join([text, *(f"note: {note}" for note in plan.notes)])


def _peak(plan: Plan) -> str:
    if plan.peak_bytes == plan.memory.peak:
        return "peak"
    return "peak, measured just now"


def plan_lines(plan: Plan) -> list[list[str]]:
    """What a training is made of: a label and a text each."""
    how = "compiled" if plan.compiled else "not compiled"
    steps = "none: the linear branch alone is solved"
    if plan.steps:
        each = f"{1000 * plan.step_seconds:.1f} ms, {plan.origins_per_second:,.0f} origins/s"
        steps = f"{plan.steps:,} of {plan.origins_per_step:,} origins: {each}; {how}"
        steps += f", {plan.precision}"
    return [
        ["receptive field", f"{plural(plan.receptive_field, 'step')}"],
        ["parameters", f"{plan.parameters:,}"],
        ["training steps", steps],
        ["validations", f"{plan.validations}"],
        ["device", f"{plan.device}, {plural(plan.threads, 'thread')}"],
    ]


def memory_lines(memory: MemoryEstimate) -> list[list[str]]:
    """What takes memory at the peak, a label and an amount each; without what takes none.

    The parts of a step are indented, since a training takes them besides the panel.
    """
    step = memory.step
    rows = [
        ("libraries", memory.libraries),
        ("panel, and reading it", memory.panel),
        ("training", memory.training),
        ("  batch", memory.batch),
        ("  activations, forecasts", max(0, step.kept - memory.batch) + step.forecasts),
        ("  weights, optimizer, average", step.weights),
        ("  compiler", memory.compiler),
        ("solving, before training", memory.solving),
        ("scoring, after training", memory.scoring),
        ("pictures", memory.pictures),
    ]
    if not memory.training:
        rows = [row for row in rows if not row[0].startswith("  ")]
    return [[name, format_bytes(n)] for name, n in rows if n]
