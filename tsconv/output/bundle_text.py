"""A bundle for a person to read: what `tsconv bundle inspect` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsconv.data.covariates.encode import Encoding
from tsconv.evaluation.rivals import describe_baseline
from tsconv.forecasting.bundles.bundle import Bundle, BundleFiles
from tsconv.forecasting.bundles.checks import shown
from tsconv.forecasting.bundles.contract import network_part
from tsconv.forecasting.bundles.intervals import CALIBRATION
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.network import ForecastNet
from tsconv.output.tables import Column, format_number, format_table
from tsconv.text import format_bytes, percentage, plural, shorten

_FIGURES = ("mae", "rmse", "mase", "wql", "smape", "coverage_80", "scaled_mae", "n_origins")
_WIDTH = 18  # columns of a label
_Lines = list[tuple[str, str]]


def bundle_text(bundle: Bundle, files: BundleFiles) -> str:
    """All that a bundle says, in sections: contract, training, networks, intervals, files.

    What the files say is shown without control characters.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.forecasting.bundles.bundle import read_bundle, save_bundle
    >>> from tsconv.model.spec import NetSpec
    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2))
    >>> folder = Path(tempfile.mkdtemp()) / "bundle"
    >>> save_bundle(Bundle(net, DataConfig(id="store"), "D", 7, {}, ("sold",)), folder)
    >>> bundle_text(*read_bundle(folder)).splitlines()[1].split()
    ['targets', 'sold']
    """
    sections = {
        "forecasts": _contract(bundle),
        "training": _training(bundle),
        "networks": _networks(bundle),
        "intervals": _intervals(bundle),
        f"files in {shown(str(files.folder), 200)}": _files(files),
    }
    parts = []
    for title, lines in sections.items():
        parts.append("\n".join([title, *(f"  {label:<{_WIDTH}}{text}" for label, text in lines)]))
        if title == "training" and bundle.info.get("test"):
            parts.append(_figures(bundle.info))
    return "\n\n".join(parts)


def _contract(bundle: Bundle) -> _Lines:
    """What data the bundle takes and what it forecasts."""
    spec = bundle.net.spec
    n_targets = len(bundle.channels) - spec.n_past
    part = network_part([spec])
    levels = part["quantiles"]
    head = part["head"] if levels is None else f"{part['head']} at {', '.join(map(str, levels))}"
    lines = [
        ("targets", _names(bundle.channels[:n_targets]) or "not named"),
        ("steps", f"{spec.horizon} ahead, from {spec.context_length} before"),
        ("frequency", f"{shown(bundle.freq)}, season of {plural(bundle.season, 'step')}"),
        ("head", head),
        ("columns", _roles(bundle)),
    ]
    if spec.n_past:
        lines.append(("past covariates", _names(bundle.channels[n_targets:])))
    lines += [(f"{e.role} covariate", _encoding(e)) for e in bundle.encodings]
    if bundle.rows:
        lines.append(("rows", _counted(bundle.rows)))
    if bundle.series:
        lines.append(("series", f"{_counted(bundle.series)}: the network differs by them"))
    for key, bound in (("lower", bundle.lower), ("upper", bundle.upper)):
        if bound is not None:
            lines.append((f"{key} bound", shown(bound)))
    for name, found in bundle.target_ranges.items():
        lines.append(("range", f"{shown(name)}: {found.low:.6g} to {found.high:.6g} in training"))
    return lines


def _roles(bundle: Bundle) -> str:
    data = bundle.data
    roles = {"time": data.time, "id": data.id, "row": data.row}
    return ", ".join(f"{key} {shown(value)}" for key, value in roles.items() if value is not None)


def _encoding(encoding: Encoding) -> str:
    """A covariate with what the training knew of it."""
    if encoding.categories is not None:
        return f"{shown(encoding.name)}: {_counted(encoding.categories)}"
    found = encoding.training_range
    values = "" if found is None else f", {found.low:.6g} to {found.high:.6g} in training"
    return f"{shown(encoding.name)}: number, mean {encoding.mean:.6g}{values}"


def _training(bundle: Bundle) -> _Lines:
    """Where the bundle comes from."""
    info, about = bundle.info, bundle.training
    lines = []
    if about is None:
        lines.append(("", "written by a version that kept no summary of the training"))
    else:
        versions = ", ".join(f"{shown(k)} {shown(v)}" for k, v in about.versions.items())
        lines += [
            ("finished", shown(about.finished)),
            ("machine", f"{shown(about.machine)}, {plural(about.threads, 'thread')}"),
            ("versions", versions),
            ("data hash", shown(about.data_hash)),
        ]
    for label, key in (("seed", "seed"), ("series", "series"), ("weights", "weights")):
        if key in info:
            lines.append((label, shown(info[key], 120)))
    refit = info.get("refit")
    if isinstance(refit, dict):
        lines.append(("refit", shown(", ".join(f"{k} {v}" for k, v in refit.items()), 120)))
    if "test" in info and not info["test"]:
        lines.append(("test part", "nothing was held out to score"))
    return lines


def _figures(info: Mapping[str, Any]) -> str:
    """The test figures beside those of the best simple forecast."""
    ours = info["test"] if isinstance(info["test"], dict) else {}
    baselines = ours.get("baselines")
    baselines = baselines if isinstance(baselines, dict) else {}
    rival = str(info.get("rival") or next(iter(baselines), ""))
    theirs = baselines.get(rival)
    theirs = theirs if isinstance(theirs, dict) else {}
    steps = info.get("baseline_steps")
    back = steps.get(rival) if isinstance(steps, dict) else None
    name = describe_baseline(rival, back) if theirs and isinstance(back, int) else rival
    lines = [["test", "tsconv", shown(name, 40)]]
    for key in _FIGURES:
        values = [_number(found.get(key)) for found in (ours, theirs)]
        if values[0] is not None:
            spec = ",.0f" if key == "n_origins" else ".4g"
            lines.append([key, *(format_number(value, spec) for value in values)])
    width = max(12, len(lines[0][2]) + 2)
    return format_table([Column(14, "<"), Column(12), Column(width)], lines)


def _number(value: Any) -> float | None:
    """A figure of `info`, which may hold anything; None for what is no number."""
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else None


def _networks(bundle: Bundle) -> _Lines:
    net = bundle.net
    if not isinstance(net, EnsembleNet):
        return [("1", _network(net))]
    total = sum(net.weights)
    return [
        (f"{i} ({percentage(round(1e6 * w / total), 10**6)})", _network(one))
        for i, (one, w) in enumerate(zip(net.members, net.weights, strict=True), start=1)
    ]


def _network(net: ForecastNet) -> str:
    """The sizes of one network."""
    spec = net.spec
    count = sum(p.numel() for p in net.parameters())
    parts = [f"{count:,} parameters", f"context {spec.context_length}"]
    if spec.stack:
        parts.append(f"{spec.levels * spec.stacks} levels of {spec.hidden} channels")
        parts.append(f"receptive field {net.receptive_field}")
    if spec.linear:
        parts.append("linear branch")
    if spec.calendar:
        parts.append(f"calendar {', '.join(map(shown, spec.calendar))}")
    shared = {"rows": spec.rows, "series": spec.series, "maps": spec.maps or "shared"}
    parts += [f"{key} {shown(value)}" for key, value in shared.items() if value != "shared"]
    return ", ".join(parts)


def _intervals(bundle: Bundle) -> _Lines:
    found = bundle.calibration
    if found is None:
        return [("calibration", "none: intervals are as the network says them")]
    lines = [("calibration", shown(found.info.get("text", found.kind), 200))]
    if "chosen_for" in found.info:
        lines.append(("chosen", shown(found.info["chosen_for"], 200)))
    if found.dependence is not None:
        count, series = found.dependence.pit.shape[:2]
        text = f"{plural(count, 'template')} of {plural(series, 'series', 'series')}"
        lines.append(("sums", text))
    return lines


def _files(files: BundleFiles) -> _Lines:
    said = "checksum right" if files.has_checksums else f"format {files.format} has no checksums"
    lines = [("format", f"{files.format}, written by tsconv {files.tsconv_version}")]
    lines += [(name, f"{format_bytes(size)}, {said}") for name, size in files.sizes.items()]
    width = len(CALIBRATION) + 2 - _WIDTH  # the names are longer than other labels
    return [(label.ljust(_WIDTH + width), text) for label, text in lines]


def _names(names: Sequence[str]) -> str:
    return shorten([shown(name) for name in names], 8)


def _counted(names: Sequence[str]) -> str:
    return f"{len(names):,} ({_names(names)})"
