"""Run `tsconv check` on a case and compare what its last line reads with the truth."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import shlex
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import READS, REFUSES, Case, Series
from tsconv.cli import main
from tsconv.config.compose import train_config
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import read_table
from tsconv.errors import TsconvError

_QUICK = ["trainer.max_steps=1", "compile=false", "callbacks.progress=false", "plots=false"]
_MOST_REPEATED = 0.01  # share of a series' times that may be resolved, where the report says so
_SAYS_REPEATED = r"duplicate|repeat|same time|of one time|clock change"


class Wrong(Exception):
    """What a case did that it may not do."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What happened with a case."""

    right: bool
    what: str


@dataclasses.dataclass(frozen=True)
class Member:
    """A (series, row, channel) of a panel: what it is called, and its observed values."""

    labels: frozenset[str]
    channel: str
    times: np.ndarray
    values: np.ndarray
    zone: str | None  # of times in UTC; None: they are on the file's own clock


def try_case(case: Case, folder: Path, train: bool = False) -> Outcome:
    """Write the files, check them, and judge; train: run the suggested command as well."""
    truth = case.write(folder)
    try:
        with contextlib.chdir(folder):
            return Outcome(True, _judge(case, truth, train))
    except Wrong as wrong:
        return Outcome(False, str(wrong))


def _judge(case: Case, truth: Sequence[Series], train: bool) -> str:
    code, out, err = _run(["check", *case.overrides])
    printed = out.rstrip().splitlines()
    last = printed[-1] if printed else ""
    _require_columns(_findings(out), Path(case.path))
    message = err.strip().splitlines()[-1] if err.strip() else "no message"
    if code not in (0, 1):
        raise Wrong(f"exit code {code}: {message}")
    if not last.startswith("tsconv train "):
        if code == 0:
            raise Wrong("exit code 0 without a command")
        if not case.allows(REFUSES):
            raise Wrong(f"refused: {message}")
        if not case.explains(f"{_findings(out)}\n{err}"):
            raise Wrong(f"refused without saying why: {message}")
        return f"refused: {message}"
    if code != 0:
        raise Wrong(f"exit code {code} beside a command: {message}")
    overrides = shlex.split(last)[2:]
    try:
        panel = _read(overrides)
    except TsconvError as error:
        said = f"; check said: {message}" if err else ""
        raise Wrong(f"its own line is refused: {error}{said}") from error
    if not case.allows(READS):
        raise Wrong(f"read what cannot be read: {last}")
    repeated = compare(members_of(panel), truth, case)
    if repeated and not re.search(_SAYS_REPEATED, out, re.IGNORECASE):
        raise Wrong(f"resolved {repeated} repeated times and did not say so")
    if case.states and not re.search(case.states, out, re.IGNORECASE):
        raise Wrong(f"read, but did not say /{case.states}/")
    if train:
        code, _, err = _run(["train", *overrides, *_QUICK, "run_dir=run_of_the_corpus"])
        if code != 0:
            raise Wrong(f"training refused the line: {err.strip().splitlines()[-1]}")
    return "read as the truth" + (f", {repeated} repeated times resolved" if repeated else "")


def _require_columns(findings: str, path: Path) -> None:
    """Every column that the findings name is in the file, where that is a plain text."""
    if path.suffix not in (".csv", ".tsv") or not path.is_file():
        return
    # A quote inside a name is doubled in the file.
    text = path.read_bytes().replace(b"\0", b"").decode("utf-8", errors="replace")
    text = text.replace('""', '"')
    findings = findings.partition("\n\n")[0]  # without the command below
    named = re.findall(r"column `([^`]+)`", findings)
    for names in re.findall(r"data\.(?:\w+_covariates|row)=(\[[^]]*\]|'[^']*'|\w+)", findings):
        named += [name for name in re.split(r"[\[\],']+", names) if name not in ("", "null", "...")]
    for name in named:
        if name.isascii() and " ".join(name.split()) not in " ".join(text.split()):
            raise Wrong(f"the findings name `{name}`, which is not in the file")


def _findings(out: str) -> str:
    """The part of a report that says what is the matter, without the names of all columns."""
    _, heading, findings = out.partition("\nfindings")
    return findings if heading else "\n".join(out.splitlines()[-12:])


def _run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run a command in this process: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(arguments))
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(at.filename).name}:{at.lineno}"
            raise Wrong(f"{arguments[0]} crashed: {error!r} at {where}") from error
    return code, out.getvalue(), err.getvalue()


def _read(overrides: Sequence[str]) -> Panel:
    """The panel that a command would train on."""
    data = train_config(overrides).data
    return build_panel(read_table(data), data.freq)


def members_of(panel: Panel) -> list[Member]:
    """Everything in a panel that has an observed target."""
    out = []
    zone = None if panel.wall_clock else panel.time_zone
    values = panel.values.numpy()
    for s, name in enumerate(panel.ids):
        begin, end = int(panel.indptr[s]), int(panel.indptr[s + 1])
        times = panel.times(s, np.arange(end - begin))
        parts = [part.replace("\\/", "/") for part in re.split(r"(?<!\\)/", name)]
        for h in range(panel.n_rows):
            row = {panel.rows[h]} if panel.rows else set()
            for c, channel in enumerate(panel.targets):
                here = values[begin:end, c, h]
                seen = ~np.isnan(here)
                labels = frozenset({name, *parts, *row, channel})
                if seen.any():
                    out.append(Member(labels, channel, times[seen], here[seen], zone))
    return out


def compare(found: Sequence[Member], truth: Sequence[Series], case: Case) -> int:
    """Match what was found with the truth, one by one: how many repeated times were resolved.

    Raises Wrong at the first that differs.
    """
    truth = [s for s in truth if not np.isnan(s.values).all()]
    channels = {s.channel for s in truth}
    if not case.complete and len(channels) > 1:
        read = {c for c in channels if any(str(c) in m.labels for m in found)}
        truth = [s for s in truth if s.channel in read]
    lone = len({s.names for s in truth}) == 1
    left, repeated = list(truth), 0
    for member in found:
        fits = [s for s in left if _is_called(member, s, case, lone, len(channels) == 1)]
        if not fits:
            known = ", ".join(sorted(member.labels))
            raise Wrong(f"a series too many ({known}; {len(found)} for {len(truth)} in the file)")
        results = [(s, _difference(member, s)) for s in fits]
        equal = [(s, r) for s, r in results if isinstance(r, int)]
        if not equal:
            raise Wrong(f"series {' '.join(sorted(member.labels))}: {results[0][1]}")
        left.remove(equal[0][0])
        repeated += equal[0][1]
    if left:
        raise Wrong(f"{len(left)} of {len(truth)} series are lost, first {left[0].names}")
    return repeated


def _is_called(member: Member, series: Series, case: Case, lone: bool, one_channel: bool) -> bool:
    """Whether the names of a series are all among the labels of a member."""
    if series.channel is not None and not one_channel and series.channel not in member.labels:
        return False
    for name in () if lone else series.names:
        spellings = (name,) if isinstance(name, str) else name
        whole = any(spelling in member.labels for spelling in spellings)
        within = case.names_in_file_names and any(spellings[0] in label for label in member.labels)
        if not whole and not within:
            return False
    return True


def _difference(member: Member, series: Series) -> int | str:
    """How many repeated times were resolved where a member is the series, else what differs."""
    seen = ~np.isnan(series.values)
    values = series.values[seen]
    choices = [series.times, *series.also]
    times = member.times
    if member.zone is not None and series.utc is not None:
        choices = [series.utc]
    elif member.zone is not None:
        local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(member.zone)
        times = local.tz_localize(None).to_numpy().astype("datetime64[us]")
    if times.dtype.kind == "M":
        times = times.astype("datetime64[us]")
    choices = [c[seen] for c in choices if (c.dtype.kind == "M") == (times.dtype.kind == "M")]
    if not choices:
        return f"times are of another kind: {times[0]} for {series.times[0]}"
    results = [_pairs_difference(times, member.values, choice, values) for choice in choices]
    return next((r for r in results if isinstance(r, int)), results[0])


def _pairs_difference(
    times: np.ndarray, values: np.ndarray, true_times: np.ndarray, true_values: np.ndarray
) -> int | str:
    if np.array_equal(times, true_times):
        wrong = ~np.isclose(values, true_values, rtol=1e-9, atol=1e-9)
        if not wrong.any():
            return 0
        k = int(wrong.argmax())
        return f"{wrong.sum()} values changed, first {values[k]:g} for {true_values[k]:g}"
    unique, counts = np.unique(true_times, return_counts=True)
    if np.array_equal(times, unique):
        return _resolved(times, values, true_times, true_values, int((counts > 1).sum()))
    if len(times) < len(unique):
        return f"cut to {len(times)} of {len(unique)} values"
    if len(times) > len(unique):
        return f"{len(times)} values for {len(unique)}"
    k = int((times != unique).argmax())
    return f"times shifted, first {times[k]} for {unique[k]}"


def _resolved(
    times: np.ndarray, values: np.ndarray, true_times: np.ndarray, true_values: np.ndarray, n: int
) -> int | str:
    """How many repeated times were resolved by their mean or one of their values."""
    groups = pd.Series(true_values).groupby(true_times)
    for time, value in zip(times, values, strict=True):
        allowed = groups.get_group(time)
        if not np.isclose([*allowed, allowed.mean()], value, rtol=1e-9, atol=1e-9).any():
            return f"at {time} the value is {value:g}, not of {allowed.tolist()}"
    if n > _MOST_REPEATED * len(times):
        return f"averaged or cut: {n} of {len(times)} times have several lines"
    return n
