"""The fine print of a report: what was read, how the network was trained, and with what."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tsconv.backtest.backtest import Backtest
from tsconv.data.fingerprint import file_hash
from tsconv.data.reading.table import Table
from tsconv.text import plural

_MOST_FILES = 5  # whose hashes are listed


def fine_print(
    backtest: Backtest, metrics: dict[str, Any], table: Table, files: Sequence[Path]
) -> tuple[tuple[str, str], ...]:
    """Labels and values: the data and their hash, what is missing, the training, the versions.

    files: that the table was read from; none for data from memory.
    """
    return (
        *_data(backtest, table, files),
        *_origins(metrics),
        *_training(backtest),
        ("Versions", _versions()),
    )


def _data(backtest: Backtest, table: Table, files: Sequence[Path]) -> list[tuple[str, str]]:
    panel = backtest.panel
    targets = panel.values[:, : len(panel.targets)]
    share = float(targets.isnan().double().mean()) if targets.numel() else 0.0
    found = [(f"Data: {path.name}", f"SHA-256 {file_hash(path)}") for path in files[:_MOST_FILES]]
    if len(files) > _MOST_FILES:
        found.append(("Data", f"{len(files) - _MOST_FILES:,} more files"))
    rows = f", {plural(len(panel.rows), 'row')}" if panel.rows else ""
    channels = f", {plural(len(panel.targets), 'channel')}" if len(panel.targets) > 1 else ""
    lines, series = plural(len(table.codes), "line"), plural(len(panel), "series", "series")
    found.append(("Read", f"{lines}; {series}{rows}{channels}"))
    found.append(("Missing", f"{100 * share:.2g}% of the values on the grid, masked"))
    found.append(("Frequency", f"{backtest.bundle.freq}, season {backtest.bundle.season}"))
    return found


def _origins(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    origins = metrics["origins"]
    stride = "every step" if origins["stride"] == 1 else f"every {origins['stride']} steps"
    text = f"{origins['first']} to {origins['last']}, {stride}"
    out = [("Origins", text)]
    if metrics["held_out"] is not None and metrics["seen"] is not None:
        unseen = f"from {origins['held_out_from']} on: {metrics['held_out']['n_origins']:,}"
        out.append(("Held out from the training", unseen))
    return out


def _training(backtest: Backtest) -> list[tuple[str, str]]:
    info, spec = backtest.bundle.info, backtest.bundle.net.spec
    parts = [f"horizon {spec.horizon}", f"context {spec.context_length}"]
    parts.append(f"hidden {spec.hidden}, {spec.levels} levels" if spec.stack else "no stack")
    found = [("Network", ", ".join(parts))]
    if "seed" in info:
        steps = info.get("max_steps")
        found.append(("Training", f"seed {info['seed']}, {steps} steps, {info.get('weights')}"))
    if info.get("trained_until"):
        seen = info["seen_until"]["time"]
        ends = f"trained until {info['trained_until']['time']}, looked at until {seen}"
        found.append(("Split", ends.replace("T", " ").replace(".000000", "")))
    return found


def _versions() -> str:
    from tsconv import __version__

    python = platform.python_version()
    return f"tsconv {__version__}, torch {version('torch')}, Python {python}"
