"""What each command does: the plain functions of the library are called, their results printed.

Results go to standard output; notes, progress and the run folder's name to standard error.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tsconv.commands.printing import remark, say
from tsconv.notes import LEFT_OUT, NoteKind, left_out

if TYPE_CHECKING:
    from tsconv.config.schema import DataConfig, ForecastConfig, TrainConfig
    from tsconv.forecasting.bundles.bundle import Bundle
    from tsconv.forecasting.intervals.wanted import Wanted
    from tsconv.sweep.run import Sweep, SweepResult
    from tsconv.training.run import TrainResult


def check_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Print what training would find in a file, and the `tsconv train` line that fits it."""
    from tsconv.config.compose import check_plan

    plan = check_plan(overrides, config_dir)
    from tsconv.check.check_file import check_file
    from tsconv.output.run_files import write_json

    report, refusal = check_file(plan, overrides, config_dir)
    say(report.text())
    if plan.output is not None:
        write_json(report.to_dict(), Path(plan.output))
    if refusal is not None:
        raise refusal


def train_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Train, then print the table of test metrics and the bundle's path."""
    found = _train(overrides, config_dir)
    if found is None:
        return
    result, report = found
    from tsconv.output.metrics_table import summary_text

    metrics = result.metrics
    if "race" in metrics:
        from tsconv.race.leaderboard import leaderboard_text, read_leaderboard

        say(leaderboard_text(read_leaderboard(result.run_dir)), end="\n\n")
    if metrics["test"] is not None:
        say(summary_text(metrics))
    else:
        say("no test part: nothing was held out to score")
    seconds = metrics["train_seconds"]
    if metrics["train_steps"] == 0:
        say(f"solved in {seconds:.1f} s")
    else:
        rate = metrics["train_origins_per_second"]
        say(f"trained {metrics['train_steps']} steps in {seconds:.1f} s ({rate:,.0f} origins/s)")
    if "refit" in result.bundle.info:
        from tsconv.summary import describe_refit

        say(f"{describe_refit(result.bundle.info['refit'])}; ", end="")
        say("the figures above are of the network before")
    _repeat_left_out(left_out(result.notes))
    if report is not None:
        from tsconv.report.run import command_line

        data, command = result.bundle.data, command_line("train", overrides)
        _report(result.bundle, result.before_refit, data, report, command)
    say(f"bundle: {result.run_dir / 'bundle'}")


def _train(
    overrides: Sequence[str], config_dir: str | None
) -> tuple[TrainResult, str | None] | None:
    """Start a training or resume one, and which report it asks for.

    None where the run to resume is finished, or the run is a dry one, which is said.
    """
    try:
        from tsconv.config.resume import train_or_resume_config

        config = train_or_resume_config(overrides, config_dir)
        if config.dry_run:
            _say_plan(config)
            return None
        from tsconv.output.run_files import write_overrides
        from tsconv.race.run import train_or_race
        from tsconv.training.resume import finished_line

        finished = finished_line(config)
        if finished is not None:
            say(f"{finished}\nbundle: {Path(str(config.run_dir)) / 'bundle'}")
            return None

        def started(run_dir: Path) -> None:
            remark(f"run folder: {run_dir}")
            own = [o for o in overrides if not o.startswith("resume=")]
            write_overrides(own, config, run_dir / ".hydra")

        if config.report is not None:
            from tsconv.forecasting.outputs import check_path, input_files

            inputs = input_files((config.data.path,))
            check_path("report", config.report, (".html",), inputs, overwrite=False)
        result = train_or_race(config, notify=_print_note, started=started)
        return result, config.report
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(*(stop.args or ("nothing was written",))) from None


def _say_plan(config: TrainConfig) -> None:
    """Print what a training would take, and what a budget covers of it."""
    from tsconv.race.plan import budget_text, plan_or_budget
    from tsconv.training.plan.text import plan_text

    plan, budget = plan_or_budget(config)
    say(plan_text(plan))
    if budget is not None:
        say(budget_text(plan, budget))


def forecast_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Forecast every series of a file from its last step, then print the output's path."""
    from tsconv.config.compose import forecast_config

    config = forecast_config(overrides, config_dir)
    if config.shards is not None or config.shard is not None:
        _forecast_shards(config)
        return
    from tsconv.forecasting.run import run_forecast

    result = run_forecast(config)
    if result is None:
        say(config.template)
        return
    notes = [*result.panel.notes, *result.notes]
    for note in notes:
        if note.kind not in LEFT_OUT:
            _print_note(str(note))
    if config.plot is not None:
        from tsconv.output.plots import plot_forecasts

        asked_for = 0 if config.series is None else len(result.forecast.series)
        plot_forecasts(
            result.panel,
            result.forecast,
            Path(config.plot),
            max(config.plot_series, asked_for),
            result.bundle.encodings,
        )
    _repeat_left_out(left_out(notes))
    say(result.summary)
    if config.plot is not None:
        say(config.plot)
    if config.report is not None:
        from tsconv.forecasting.bundles.bundle import load_before_refit
        from tsconv.forecasting.intervals.wanted import wanted_of
        from tsconv.forecasting.match import override_roles
        from tsconv.report.run import command_line

        data = override_roles(result.bundle.data, config.data)
        before, command = load_before_refit(config.bundle), command_line("forecast", overrides)
        wanted = wanted_of(config.levels, config.conformal, config.point)
        _report(result.bundle, before, data, config.report, command, wanted)
    say(config.output)


def backtest_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Score a bundle at every past origin, then print the table and the folder of the results."""
    from tsconv.config.compose import backtest_config

    config = backtest_config(overrides, config_dir)
    from tsconv.backtest.progress import BacktestProgress
    from tsconv.backtest.run import run_backtest
    from tsconv.backtest.summary import summary_text

    with BacktestProgress() as progress:
        run = run_backtest(config, progress.start, _print_note)
    result = run.result
    if config.report is not None:
        from tsconv.report.run import ReportSource, command_line, write_report

        command = command_line("backtest", overrides)
        source = ReportSource(run.bundle, run.table, run.data, "backtest", command)
        write_report(result, source, Path(config.report))
    notes = result.backtest.panel.notes
    for note in notes:
        if note.kind not in LEFT_OUT:
            _print_note(str(note))
    say(summary_text(result.metrics))
    seconds, rate = (result.metrics[f"backtest_{k}"] for k in ("seconds", "origins_per_second"))
    say(f"scored in {seconds:.1f} s ({rate:,.0f} origins/s)")
    _repeat_left_out(left_out(notes))
    for path in (config.forecasts, config.report):
        if path is not None:
            say(path)
    say(f"results: {run.run_dir}")


def _report(
    bundle: Bundle,
    before_refit: Bundle | None,
    data: DataConfig,
    report: str,
    command: str,
    wanted: Wanted | None = None,
) -> None:
    """Read the data again, score every origin of them, write the page and print its path."""
    from tsconv.backtest.progress import BacktestProgress
    from tsconv.data.reading.read import read_table
    from tsconv.report.run import ReportSource, backtest_and_report

    made_by = command.split()[1]
    source = ReportSource(bundle, read_table(data), data, made_by, command)
    with BacktestProgress() as progress:
        backtest_and_report(source, before_refit, Path(report), progress.start, wanted)
    say(report)


def _forecast_shards(config: ForecastConfig) -> None:
    """Forecast one shard, or all of them and merge their parts; then print the output's path."""
    from tsconv.forecasting.shards.job import PartResult
    from tsconv.forecasting.shards.run import run_shards
    from tsconv.text import plural

    said: set[NoteKind] = set()
    begun, made = time.perf_counter(), 0

    def report(part: PartResult, done: int, count: int) -> None:
        nonlocal made
        made += part.series
        for note in part.notes:  # of all shards, the first note of each kind
            if note.kind not in LEFT_OUT and note.kind not in said:
                said.add(note.kind)
                _print_note(str(note) if count == 1 else f"shard {part.shard}: {note}")
        if count > 1:
            rate = made / (time.perf_counter() - begun)
            line = f"shard {part.shard}: {plural(part.series, 'series', 'series')}"
            remark(f"{line}; {done} of {count} shards done, {rate:,.0f} series/s")

    try:
        result = run_shards(config, report)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with the shards that are left") from None
    if result.part is not None and result.done_before:
        say(f"{result.part}: made before from the same inputs, nothing to do")
        return
    if result.done_before:
        done = len(result.done_before)
        remark(f"{plural(done, 'shard')} made before from the same inputs")
    for part in result.parts:
        for sentence in left_out(part.notes):
            where = "" if result.part is not None else f"shard {part.shard}: "
            say(f"left out: {where}{sentence}")
    if result.merged is not None:
        say(result.merged.summary)
        say(result.merged.output)
    elif result.part is not None:
        say(f"forecast {plural(result.parts[0].series, 'series', 'series')}")
        say(result.part)


def merge_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Write the parts of a forecast in shards as one file, then print the output's path."""
    from tsconv.config.compose import merge_config

    config = merge_config(overrides, config_dir)
    from tsconv.errors import require_choice
    from tsconv.forecasting.shards.merge import delete_parts, merge_parts

    require_choice("parts", config.parts, ("keep", "delete"))
    result = merge_parts(Path(config.output), config.shards, config.overwrite)
    if config.parts == "delete":
        delete_parts(result.parts)
    say(result.summary)
    say(config.output)


def multirun_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Train with every combination of the values given, then print a table of all jobs."""
    from tsconv.config.compose import train_config
    from tsconv.config.overrides import expand_jobs

    jobs = expand_jobs(overrides)
    configs = [train_config(job, config_dir) for job in jobs]
    from tsconv.race.run import check_budget, train_or_race
    from tsconv.training.multirun import run_jobs

    for config in configs:
        if config.budget is not None:
            check_budget(config)
    result = run_jobs(jobs, configs, notify=_print_note, train_one=train_or_race)
    say(result.table)
    _repeat_left_out(result.left_out)
    say(f"results: {result.folder}")
    if result.unfinished:
        own = [o for o in overrides if not o.startswith("run_dir=")]
        where = [] if config_dir is None else ["--config-dir", config_dir]
        again = shlex.join([*where, *own, f"run_dir={result.folder}"])
        raise KeyboardInterrupt(
            f"{len(result.unfinished)} of {len(result.jobs)} jobs are unfinished; "
            f"to go on: tsconv train -m {again}"
        )
    if result.error is not None:
        raise result.error


def sweep_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Search for the best config, then print what became of the trials and the best of them."""
    from tsconv.runs.record import recorded_where_free
    from tsconv.sweep.run import Sweep, run_sweep
    from tsconv.sweep.storage.errors import storage_errors_in_one_line

    sweep = Sweep(overrides, config_dir)
    base = sweep.plan.base
    with (
        storage_errors_in_one_line(sweep.settings.storage),
        recorded_where_free(sweep.folder, "sweep", base.data.path, base.horizon) as begin,
    ):
        try:
            result = run_sweep(sweep, _print_note, begin)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("no trial had begun") from None
        _finish_sweep(sweep, result)


def _finish_sweep(sweep: Sweep, result: SweepResult) -> None:
    """Write and print what a sweep found; train the winner where that was asked for."""
    from tsconv.errors import TrainingError
    from tsconv.sweep.finalize import refit, time_line, write_results
    from tsconv.sweep.results.trials import mostly_failed

    lines, winner = write_results(result, sweep.space)
    failed = mostly_failed(result.study)
    if failed is not None:
        say(failed)
    say(time_line(result))
    wants_refit = sweep.settings.refit and not result.interrupted
    if wants_refit and winner is not None and failed is None:
        trained_before = refit(result, winner, train_command)
        if trained_before is not None:
            say(f"bundle: {trained_before}")
    _repeat_left_out(result.left_out)
    for line in lines:
        say(line)
    if result.interrupted:
        raise KeyboardInterrupt("the same command goes on with the trials that are left")
    if failed is not None:
        untrained = ", and it is not trained (sweep.refit)" if wants_refit else ""
        raise TrainingError(f"{failed}; the best of the others is no winner of a search{untrained}")


def completion_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Print the script that completes commands and keys in a shell."""
    from tsconv.commands.completion import USAGE as how_to
    from tsconv.commands.completion import completion_script

    say(completion_script(overrides[0]) if overrides else how_to, end="")


def _print_note(line: str) -> None:
    """Print a note on standard error, where it does not mix with the results."""
    remark(f"note: {line}")


def _repeat_left_out(sentences: Sequence[str]) -> None:
    """Print what was left out of the data once more, below all that has scrolled by since.

    On standard output, since it belongs to the results.
    """
    for sentence in sentences:
        say(f"left out: {sentence}")
