"""What a Forecaster shows of itself: a few lines in a terminal, a table in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tsconv.evaluation.rivals import SEASONAL_NAIVE, describe_baseline
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.model.ensemble import EnsembleNet
from tsconv.text import shorten

_LABELS = {"mae": "MAE", "mase": "MASE"}  # the figures that are shown of the test part


def metrics_of(bundle: Bundle) -> dict[str, Any]:
    """The metrics that a bundle keeps of its training: those of `val` and `test`, and the rival."""
    kept = ("val", "test", "rival", "rival_season", "baseline_steps")
    return {name: bundle.info[name] for name in kept if name in bundle.info}


def headline(settings: Mapping[str, Any], bundle: Bundle | None) -> str:
    """How the Forecaster was made, and whether it is trained.

    >>> headline({"horizon": 28, "data.id": "store"}, None)
    "Forecaster(horizon=28, data.id='store'), not trained yet"
    """
    given = dict(settings)
    if bundle is not None:
        given = {"horizon": bundle.net.spec.horizon, **given}
    arguments = ", ".join(f"{key}={_short(repr(value))}" for key, value in given.items())
    return f"Forecaster({arguments}), {'not trained yet' if bundle is None else 'trained'}"


def facts(bundle: Bundle, metrics: Mapping[str, Any], run_dir: Path | None) -> dict[str, str]:
    """What a trained Forecaster knows: a label and its text for each line of the summary."""
    targets = bundle.channels[: len(bundle.channels) - bundle.net.spec.n_past]
    found = {
        "targets": shorten(targets, 8) if targets else "y",
        "frequency": f"{bundle.freq}, season of {bundle.season} steps",
    }
    if "series" in bundle.info:
        found["series"] = f"{bundle.info['series']:,}"
    if bundle.rows:
        found["rows"] = f"{len(bundle.rows):,} ({shorten(bundle.rows, 5)})"
    if isinstance(bundle.net, EnsembleNet):
        found["networks"] = f"{len(bundle.net.members)}, their quantiles averaged"
    if metrics.get("test"):
        found["test"] = _figures(metrics["test"])
        rival = str(metrics.get("rival") or SEASONAL_NAIVE)
        baseline = metrics["test"].get("baselines", {}).get(rival)
        if baseline:
            # Bundles of early versions do not say how far back their baseline looks.
            steps = metrics.get("baseline_steps", {}).get(rival, bundle.season)
            found[describe_baseline(rival, steps)] = _figures(baseline)
    elif "test" in metrics:
        found["test"] = "nothing was held out to score"
    if "refit" in bundle.info:
        found["refit"] = describe_refit(bundle.info["refit"]).removeprefix("refit ")
    if run_dir is not None:
        found["run folder"] = str(run_dir)
    return found


def describe_refit(about: Mapping[str, Any]) -> str:
    """What `info["refit"]` of a bundle says, in words.

    >>> describe_refit({"steps": 120, "share": 0.2, "seconds": 3.14})
    'refit on all the data: 120 more steps in 3.1 s'
    """
    if "ended_by" in about:
        return f"refit ended by {about['ended_by']}, undone"
    if "kept" in about:
        return f"refit left out: {about['kept']}"
    did = f"{about['steps']:,} more steps" if about["steps"] else "solved again"
    return f"refit on all the data: {did} in {about['seconds']:.1f} s"


def as_text(head: str, lines: Mapping[str, str]) -> str:
    """The summary for a terminal.

    >>> print(as_text("Forecaster(horizon=7), trained", {"series": "3"}))
    Forecaster(horizon=7), trained
      series  3
    """
    width = max((len(label) for label in lines), default=0)
    return "\n".join([head, *(f"  {label:<{width}}  {text}" for label, text in lines.items())])


def as_html(head: str, lines: Mapping[str, str]) -> str:
    """The summary for a notebook; names that look like HTML are shown as they are.

    >>> as_html("Forecaster(horizon=7)", {"targets": "<b>"})
    '<b>Forecaster(horizon=7)</b><table><tr><th>targets</th><td>&lt;b&gt;</td></tr></table>'
    """
    rows = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>"
        for label, text in lines.items()
    )
    return f"<b>{html.escape(head)}</b>" + (f"<table>{rows}</table>" if rows else "")


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _figures(scores: Mapping[str, Any]) -> str:
    """The errors of one part in a line, and how often its 80% interval held the value."""
    shown = [
        f"{label} {scores[key]:.4g}"
        for key, label in _LABELS.items()
        if scores.get(key) is not None
    ]
    if scores.get("coverage_80") is not None:
        shown.append(f"{100 * scores['coverage_80']:.0f}% within the 80% interval")
    return ", ".join(shown)
