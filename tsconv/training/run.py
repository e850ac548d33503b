"""Training as a plain function: a config in, a run folder and its figures out."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from tsconv.calibration.conformal import Calibration
from tsconv.calibration.value_range import panel_range
from tsconv.config.schema import TrainConfig
from tsconv.data.covariates.target_shift import target_ranges
from tsconv.data.fingerprint import fingerprint
from tsconv.data.reading.table import Table
from tsconv.distributed.ranks import RankLost, Ranks
from tsconv.distributed.same_files import require_same_files
from tsconv.distributed.threads import torch_threads
from tsconv.evaluation.report import score
from tsconv.evaluation.training_ends import describe_ends
from tsconv.forecasting.bundles.bundle import BEFORE_REFIT, Bundle, save_bundle
from tsconv.forecasting.bundles.training_summary import TrainingSummary
from tsconv.forecasting.intervals.fit import IntervalFit
from tsconv.model.ensemble import Network
from tsconv.notes import Note
from tsconv.output.run_files import read_reasons, write_config, write_json
from tsconv.output.run_plots import plot_run
from tsconv.runs.folder import training_folder
from tsconv.runs.record import RunRecord
from tsconv.training.lightning.checkpoints.resume import checkpoint_path, resume_or_start
from tsconv.training.lightning.loop import (
    TrainerResult,
    run_trainer,
    step_reasons,
    with_step_choice,
)
from tsconv.training.lightning.strategy import training_device
from tsconv.training.linear_context import with_best_context
from tsconv.training.memory.guard import check_memory
from tsconv.training.memory.smaller_chunks import run_within_memory
from tsconv.training.notes import split_notes, training_notes
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared, check_config
from tsconv.training.ranks import config_on, ranks_for, require_chunks
from tsconv.training.refit import Fitted, refit_bundle, wants_refit
from tsconv.training.resume import describe_interruption, goes_on_in_place
from tsconv.training.solved_start import SolvedStart, solve_linear_branch, untrained_result
from tsconv.training.step.compile_cache import CompileCache, StepChoice
from tsconv.training.step.process_settings import deterministic_algorithms


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a training leaves: the folder, the bundle in memory, and the figures."""

    run_dir: Path
    bundle: Bundle
    metrics: dict[str, Any]
    notes: tuple[Note, ...] = ()  # on the data
    before_refit: Bundle | None = None  # the bundle that the figures are of, where a refit followed


def train(
    config: TrainConfig,
    table: Table | None = None,
    notify: Callable[[str], None] | None = None,
    panel_cache: PanelCache | None = None,
    started: Callable[[Path], None] | None = None,
) -> TrainResult:
    """Read, resolve, train, score and write the run folder.

    On several ranks this is rank 0, and the others get from here all that they compute with.

    Args:
        config: as composed from `conf/train.yaml`; keys that are null are chosen from the data.
        table: takes the place of `config.data.path` for data that are already in memory.
        notify: is called, before training, with each note of what happened to the data.
        panel_cache: lets several trainings share what they read and compiled, and the processes
            of several devices.
        started: is called with the run folder, once it has the config and before training.

    Seeds the process. Raises TsconvError where the data or the config are at fault, before anything
    is written. After Ctrl-C, raises a KeyboardInterrupt that says what is kept and how to go on.
    """
    if panel_cache is None:
        with PanelCache() as own:
            return train(config, table, notify, own, started)
    config = check_config(config)
    in_place = goes_on_in_place(config)
    config, resume_note = resume_or_start(config)
    if resume_note and notify is not None:
        notify(resume_note)
    ranks = ranks_for(config, panel_cache.rank_pool)
    config, reasons = config_on(ranks, config)
    if ranks.were_launched and table is None and config.data.path is not None:
        require_same_files(ranks, config.data.path)
    with torch_threads(config.threads), deterministic_algorithms(config.deterministic):
        try:
            prepared = with_best_context(
                config,
                panel_cache.prepare(config, table, notify),
                lambda other: panel_cache.prepare(other, table),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("training had not begun, nothing was written") from None
        require_chunks(prepared.config, ranks.size)
        prepared = dataclasses.replace(prepared, reasons={**prepared.reasons, **reasons})
        notes = data_notes(prepared)
        if notify is not None:
            for note in notes:
                notify(str(note))
        memory_note = check_memory(prepared, ranks)
        if memory_note and notify is not None:
            notify(memory_note)
        cache = panel_cache.compile_cache
        with training_folder(prepared.config, "train", in_place) as record:
            result = _train_in_folder(prepared, ranks, cache, notify, started, record)
            record.add_figures(result.metrics)
        return dataclasses.replace(result, notes=tuple(notes))


def data_notes(prepared: Prepared) -> list[Note]:
    """What happened to the data on the way, and what a user should know of them."""
    panel, ends, context = prepared.panel, prepared.split.train_end, prepared.config.context_length
    of_training = training_notes(panel, prepared.scale, ends, context)
    return [*panel.notes, *of_training, *split_notes(panel, prepared.split)]


def _train_in_folder(
    prepared: Prepared,
    ranks: Ranks,
    cache: CompileCache | None,
    notify: Callable[[str], None] | None,
    started: Callable[[Path], None] | None,
    record: RunRecord,
) -> TrainResult:
    """Train in the run folder; after Ctrl-C, leave it only where it keeps a state."""
    config, run_dir = prepared.config, record.folder
    path = run_dir / "config.yaml"
    reasons = {**read_reasons(path, config), **prepared.reasons}
    prepared = dataclasses.replace(prepared, reasons=reasons)
    try:
        write_config(_as_kept(config), reasons, path)
        if started is not None:
            started(run_dir)
        start = solve_linear_branch(prepared)
        reasons = {**reasons, **start.reasons}
        prepared = dataclasses.replace(prepared, reasons=reasons)

        def chosen(choice: StepChoice, used: TrainConfig) -> None:
            resolved = with_step_choice(used, choice.precision, choice.compiled)
            write_config(_as_kept(resolved), {**reasons, **step_reasons(config, choice)}, path)
            if notify is not None and choice.note:
                notify(choice.note)

        return _train(prepared, start, ranks, run_dir, cache, chosen)
    except RankLost as error:
        raise RankLost(f"{error}: {describe_interruption(error, config, run_dir)}") from error
    except KeyboardInterrupt as stop:
        text = describe_interruption(stop, config, run_dir)
        if record.is_new and not checkpoint_path(run_dir).is_file():
            shutil.rmtree(run_dir, ignore_errors=True)
        raise KeyboardInterrupt(text) from None


def _as_kept(config: TrainConfig) -> TrainConfig:
    """The config as config.yaml has it: a run that was resumed in its folder is one training."""
    return dataclasses.replace(config, resume=None) if goes_on_in_place(config) else config


def _train(
    prepared: Prepared,
    start: SolvedStart,
    ranks: Ranks,
    run_dir: Path,
    cache: CompileCache | None,
    chosen: Callable[[StepChoice, TrainConfig], None],
) -> TrainResult:
    """Train, score and write what was prepared."""
    config, trained, scores, calibration = ranks.run(
        _train_and_score, prepared, run_dir, start, compile_cache=cache, chosen=chosen
    )
    prepared, trained = dataclasses.replace(prepared, config=config), start.counted(trained)
    result = write_run(prepared, trained, prepared.net, scores, run_dir, calibration=calibration)
    # Steps of the refit run as those of the training did, also where it is resumed.
    prepared = dataclasses.replace(prepared, config=trained.resolve(prepared.config))
    fitted = Fitted(prepared, int(trained.figures["train_steps"]), start.choice)
    return refit_run(result, [fitted], ranks, cache)


def refit_run(
    result: TrainResult,
    fitted: Sequence[Fitted],
    ranks: Ranks | None = None,
    cache: CompileCache | None = None,
    most_steps: Sequence[int] | None = None,
) -> TrainResult:
    """Refit the networks of a run that is written, where its config asks for it.

    The bundle on disk is replaced whole, and the one before is kept beside it; all else in the
    folder stays that of the networks before.
    The arguments are those of `refit_bundle`.
    """
    if not wants_refit(fitted[0].prepared):
        return result
    before = result.bundle
    bundle = refit_bundle(before, fitted, ranks, cache, most_steps)
    if bundle.net is not before.net:  # a backtest asks the network that had not seen the test part
        save_bundle(before, result.run_dir / BEFORE_REFIT)
    save_bundle(bundle, result.run_dir / "bundle")
    changed = before if bundle.net is not before.net else None
    return dataclasses.replace(result, bundle=bundle, before_refit=changed)


def write_run(
    prepared: Prepared,
    trained: TrainerResult,
    net: Network,
    scores: dict[str, Any],
    run_dir: Path,
    info: dict[str, Any] | None = None,
    calibration: Calibration | None = None,
) -> TrainResult:
    """Write what a training leaves: config.yaml, metrics.json, the bundle and the plots.

    net: with its final weights. scores: of `score`. info: further figures for metrics.json and the
    bundle, by key. calibration: of the intervals.
    """
    panel, further = prepared.panel, info or {}
    config = _as_kept(trained.resolve(prepared.config))
    reasons = {**prepared.reasons, **trained.reasons}
    if calibration is not None and config.conformal.kind == "auto":
        why = calibration.info["chosen_for"]
        reasons["conformal.kind"] = f"takes {calibration.kind}: {why}"
    metrics = {**trained.figures, **further, **scores}
    about = {
        "seed": config.seed,
        "max_steps": config.trainer["max_steps"],
        "weights": trained.weights_note,
        "point": config.point,
        "series": len(panel),
        "reasons": reasons,
        "val": metrics["val"],
        "test": metrics["test"],
        **{key: metrics[key] for key in ("rival", "rival_season", "baseline_steps")},
        "trained_until": describe_ends(panel, prepared.split.train_end),
        "seen_until": describe_ends(panel, panel.lengths.cpu() - (config.split.test_size or 0)),
        **further,
    }
    of_training = TrainingSummary.now(
        fingerprint(panel),
        training_device(config.trainer),
        config.threads or torch.get_num_threads(),
    )
    bundle = Bundle(
        net=net.eval(),
        data=config.data,
        freq=panel.frequency.alias,
        season=prepared.season,
        info=about,
        channels=panel.channels,
        rows=panel.rows,
        series=panel.ids if net.by_series else (),
        encodings=prepared.encodings,
        target_ranges=target_ranges(panel.to("cpu"), prepared.split.train_end.cpu()),
        calibration=calibration,
        lower=config.data.lower,
        upper=config.data.upper,
        training=of_training,
    )
    write_config(config, reasons, run_dir / "config.yaml")
    write_json(metrics, run_dir / "metrics.json")
    save_bundle(bundle, run_dir / "bundle")
    if config.plots:
        losses = (trained.train_losses, trained.val_losses, trained.weights_note)
        plot_run(run_dir / "plots", bundle, metrics, prepared.panel, prepared.split, losses)
    return TrainResult(run_dir, bundle, metrics)


def _train_and_score(
    ranks: Ranks,
    prepared: Prepared,
    run_dir: Path,
    start: SolvedStart,
    compile_cache: CompileCache | None = None,
    chosen: Callable[[StepChoice, TrainConfig], None] | None = None,
) -> tuple[TrainConfig, TrainerResult, dict[str, Any], Calibration | None]:
    """What every rank does of a training; the network of `prepared` gets its final weights.

    Returns first the config that it was trained by.
    """

    def run(given: Prepared, note: str | None) -> TrainerResult:
        def tell(choice: StepChoice) -> None:
            if chosen is not None:
                notes = "; ".join(filter(None, (note, choice.note)))
                chosen(dataclasses.replace(choice, note=notes), given.config)

        given.seed_process()
        return run_trainer(
            given.module(),
            given.data(ranks.rank, ranks.size),
            given.config,
            run_dir,
            compile_cache=compile_cache,
            chosen=tell,
            ranks=ranks,
        )

    with torch_threads(prepared.config.threads), ranks.own_cores():
        if prepared.config.model.stack:
            prepared, trained = run_within_memory(prepared, ranks.size, run)
        else:
            prepared.seed_process()
            trained = untrained_result(prepared, start)
        scores, calibration = calibrated_scores(prepared, prepared.net, ranks)
    return prepared.config, trained, scores, calibration


def calibrated_scores(
    prepared: Prepared, net: Network, ranks: Ranks | None = None
) -> tuple[dict[str, Any], Calibration | None]:
    """The figures of each part, as `score` gives them, and the calibration of the intervals.

    Those of the validation part are of the network as it is; they are what it is calibrated by. The
    test part is scored as forecasts will be given.
    """
    config, panel = prepared.config, prepared.panel
    fit = IntervalFit(
        net,
        panel,
        config.conformal.kind,
        prepared.split.train_end.cpu(),
        prepared.season,
        config.point,
        panel_range(panel, config.data, net.whole),
    )
    split = prepared.split
    if split.val is not None and config.split.val_stride:
        val = dataclasses.replace(split.val, stride=config.split.val_stride)
        split = dataclasses.replace(split, val=val)
    scores = score(
        net,
        prepared.panel,
        split,
        prepared.scale,
        prepared.baselines,
        ranks=ranks,
        fit=fit,
    )
    about = None if fit.found is None else {"kind": fit.found.kind, **fit.found.info}
    return {**scores, "point": config.point, "conformal": about}, fit.found
