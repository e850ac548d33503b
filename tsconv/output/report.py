"""What a run leaves to read: metrics.json, the resolved config with its reasons, the table."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from torch import Tensor

from tsconv.atomic_write import replace_text
from tsconv.config.schema import TrainConfig
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.metrics import KEYS, SeriesScale
from tsconv.notes import Note, NoteKind
from tsconv.output.tables import Column, format_table


def training_notes(
    panel: Panel,
    scale: SeriesScale,
    train_end: Tensor | None = None,
    context_length: int | None = None,
) -> list[Note]:
    """What a user would want to know of the data before believing what is trained on them.

    train_end: (S,) steps of each series' training part, of which those that do not fill
    `context_length` are told.
    """
    notes = []
    if train_end is not None and context_length is not None:
        short = (train_end < context_length).nonzero().flatten().tolist()
        if short:
            first = tuple(panel.ids[s] for s in short[:3])
            names = ", ".join(f"`{name}`" for name in first)
            have = "1 series has" if len(short) == 1 else f"{len(short):,} series have"
            text = (
                f"{have} fewer than `context_length` (={context_length}) steps to train on "
                f"({names}{', ...' if len(short) > 3 else ''}): what is there is used"
            )
            notes.append(Note(NoteKind.SHORT_SERIES, text, first))
    if len(panel.rows) == 1:
        text = f"there is one row, `{panel.rows[0]}`: what rows share makes no difference"
        notes.append(Note(NoteKind.SINGLE_ROW, text, panel.rows))
    for c in panel.empty_channels():
        lost = "neither trained on nor forecast" if c < len(panel.targets) else "of no use"
        name = panel.channels[c]
        text = f"`{name}` has no value at all: it is {lost}"
        notes.append(Note(NoteKind.EMPTY_CHANNEL, text, (name,)))
    idle = (scale.std == 0).all(1).all(0)  # (H,)
    for name in [name for name, none in zip(panel.rows, idle, strict=False) if none][:5]:
        text = f"family row `{name}` has nothing to learn from in the training part"
        notes.append(Note(NoteKind.ROW_WITHOUT_TRAINING_DATA, text, (name,)))
    return notes


def write_json(value: Any, path: Path) -> None:
    """Write a value of plain types; raises ValueError for NaN."""
    replace_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def look_up(metrics: dict[str, Any], name: str) -> float | None:
    """A figure of metrics.json by a name such as `val.mae` or `train_seconds`; None for none."""
    part, _, key = name.rpartition(".")
    return ((metrics.get(part) or {}) if part else metrics).get(key)


def write_config(config: TrainConfig, reasons: dict[str, str], path: Path) -> None:
    """The config as it was used, as YAML; values chosen from the data carry their reason."""
    text = OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(config)))
    lines: list[str] = []
    trail: list[str] = []  # the keys that lead to the line
    pending: str | None = None  # a list's reason goes behind its key
    for line in text.splitlines():
        name, colon, _ = line.strip().partition(":")
        if colon and not line.strip().startswith("-"):
            depth = (len(line) - len(line.lstrip())) // 2
            trail = [*trail[:depth], name]
            pending = reasons.get(".".join(trail))
        else:
            pending = None
        lines.append(f"{line}  # auto: {pending}" if pending else line)
    replace_text(path, "\n".join(lines) + "\n")


def metrics_table(ours: dict[str, Any], naive: dict[str, Any]) -> str:
    """The test metrics beside seasonal naive's, one a line, with the share of the difference."""
    columns = (Column(14, "<"), Column(12), Column(16), Column(10))
    lines = [["test", "tsconv", "seasonal naive", ""]]
    for key in KEYS:
        a, b = ours.get(key), naive.get(key)
        if a is None:
            continue
        spec = "," if key == "n_origins" else ".4g"
        change = [] if key in ("n_origins", "coverage_80") else _change(a, b)
        other = [] if b is None else [format(b, spec)]
        lines.append([key, format(a, spec), *other, *change])
    return format_table(columns, lines)


def parts_table(ours: dict[str, Any], naive: dict[str, Any], most: int = 12) -> str:
    """MASE by channel and by row beside seasonal naive's, the worst first; "" for neither."""
    columns = (Column(26, "<", longest=25), Column(12), Column(16), Column(10))
    text = ""
    for key, heading in (("by_channel", "mase by channel"), ("by_row", "mase by row")):
        parts = {k: v for k, v in ours.get(key, {}).items() if v["mase"] is not None}
        if not parts:
            continue
        lines = [[heading, "tsconv", "seasonal naive"]]
        worst_first = sorted(parts, key=lambda k: -parts[k]["mase"])
        for name in worst_first[:most]:
            a, b = parts[name]["mase"], naive[key][name]["mase"]
            lines.append([name, f"{a:.4g}", f"{b or 0:.4g}", *_change(a, b)])
        text += f"\n{format_table(columns, lines)}"
        if len(parts) > most:
            text += f"\n... {len(parts) - most} more in metrics.json"
    return text


def _change(ours: float, naive: float | None) -> list[str]:
    """How much ours is above seasonal naive's, in per cent; [] where that says nothing."""
    return [f"{100 * (ours - naive) / naive:+.1f}%"] if naive else []


def write_overrides(overrides: Sequence[str], config: TrainConfig, folder: Path) -> None:
    """What was asked for, as Hydra writes it: `overrides.yaml` and the composed `config.yaml`."""
    folder.mkdir(exist_ok=True)
    asked = OmegaConf.create(list(overrides))
    composed = OmegaConf.create(dataclasses.asdict(config))
    replace_text(folder / "overrides.yaml", OmegaConf.to_yaml(asked))
    replace_text(folder / "config.yaml", OmegaConf.to_yaml(composed))


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}; an empty mapping stays a value."""
    out: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            out |= flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out
