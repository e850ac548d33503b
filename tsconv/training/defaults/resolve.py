"""Defaults that fit the data: what a config leaves open is chosen here, by stated rules.

Pure functions of the frequency, the lengths and, where the frequency does not tell its seasons, a
sample of the training part. Each choice comes with its reason, which is written beside the value
into the run's config.yaml; whatever the caller set is kept. The sizes of network, chunks and
training are chosen in `sizes.py`, the validation and test parts in `split.py`.
"""

from __future__ import annotations

import dataclasses

from tsconv.config.schema import DataConfig, ModelConfig, OptimizerConfig, TrainConfig
from tsconv.data.panel.calendar import choose_calendar
from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.lags import find_lags, tells_seasons
from tsconv.data.timestamps.frequency import Frequency
from tsconv.errors import ConfigError
from tsconv.evaluation.rivals import Baseline, choose_baselines
from tsconv.training.defaults.sizes import held_out, resolve_chunks, resolve_model, resolve_steps
from tsconv.training.defaults.split import resolve_split

_LONGEST_CONTEXT = 1024
_RATE_OF_SOLVED = 0.1  # of the learning rate; see docs/decisions/solved-linear-branch.md
_LONGEST_SEASON = 2016  # a lag beyond this costs more history than it repays


@dataclasses.dataclass(frozen=True)
class ResolvedConfig:
    """A config without open keys, what its scores are compared with, and the reasons."""

    config: TrainConfig
    season: int  # steps, of MASE
    baselines: tuple[Baseline, ...]  # what the network is compared with
    reasons: dict[str, str]  # key of the config -> reason


def resolve(config: TrainConfig, panel: Panel) -> ResolvedConfig:
    """Fill every open key of a config from the panel.

    panel: already cut to train + val + test steps where `split.train_size` is set. Raises
    ConfigError for a value that does not fit, for `model.rows` on a panel without rows, and for
    `model.series` on one with rows.

    >>> import pandas as pd
    >>> from tsconv.config.compose import train_config
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> config = train_config(["horizon=7", "data.id=null"])
    >>> days = pd.date_range("2024-01-01", periods=400, freq="D")
    >>> frame = pd.DataFrame({"ds": days, "y": range(400)})
    >>> resolved = resolve(config, build_panel(table_from_frame(frame, config.data)))
    >>> resolved.config.context_length, resolved.reasons["context_length"]
    (42, 'six of the shortest season (7)')
    """
    if config.horizon < 1:
        raise ConfigError(f"`horizon` (={config.horizon}) must be at least 1")
    _check_rows(config.model, panel)
    ordered = panel.lengths.sort().values
    typical, frequency = int(ordered[len(ordered) // 2]), panel.frequency
    given_lags = config.features.seasonal_lags or ()
    split, split_why = resolve_split(config.split, config.horizon, panel, given_lags)
    _check_horizon(config.horizon, int(ordered[-1]), held_out(split))
    train_length = max(2, typical - held_out(split))
    lags, lags_why = _resolve_lags(
        config.features.seasonal_lags, panel, held_out(split), train_length
    )
    calendar = choose_calendar(config.features.calendar, frequency, train_length)
    calendar_why = {}
    if config.features.calendar == "auto":
        calendar_why["features.calendar"] = (
            f"the cycles of a step of {frequency.alias} that the training part holds twice"
        )
    context, context_why = _resolve_context(
        config.context_length, config.horizon, lags, train_length
    )
    model, model_why = resolve_model(config.model, panel, context, train_length)
    data, data_why = resolve_chunks(config.data, panel, model, split)
    trainer, trainer_why = resolve_steps(config.trainer, panel, split, data)
    optimizer, optimizer_why = _resolve_rates(config.optimizer, model, data, panel)
    config = dataclasses.replace(
        config,
        context_length=context,
        split=split,
        features=dataclasses.replace(
            config.features, seasonal_lags=lags, calendar=list(calendar) or None
        ),
        model=model,
        data=data,
        trainer=trainer,
        optimizer=optimizer,
    )
    reasons = {
        **split_why,
        **lags_why,
        **calendar_why,
        **context_why,
        **model_why,
        **data_why,
        **trainer_why,
        **optimizer_why,
    }
    season = _baseline_season(frequency, lags, train_length)
    baselines = choose_baselines(season, (*frequency.seasons, *lags), context, train_length)
    return ResolvedConfig(config, season, baselines, reasons)


def _resolve_rates(
    given: OptimizerConfig, model: ModelConfig, data: DataConfig, panel: Panel
) -> tuple[OptimizerConfig, dict[str, str]]:
    """The learning rates of what is not as all else.

    A solved linear branch has little to learn, and much to lose. Weights of one series have a
    gradient in few of the steps only, which Adam would make up for by long ones.
    """
    found, reasons = given, {}
    if given.linear_lr is None:
        if model.linear and model.linear_start == "solved":
            share, reason = _RATE_OF_SOLVED, "the linear branch is solved before: it learns slowly"
        else:
            share, reason = 1.0, "the linear branch learns from the data as all else"
        found = dataclasses.replace(found, linear_lr=share)
        reasons["optimizer.linear_lr"] = reason
    if given.row_lr is None:
        chunks, share = data.chunks_per_batch or 1, 1.0
        by_series = "pooled" in (model.series, model.maps) and not panel.rows
        if by_series and chunks < len(panel):
            share = chunks / len(panel)
            reasons["optimizer.row_lr"] = f"a step sees {chunks} of {len(panel)} series"
        found = dataclasses.replace(found, row_lr=share)
    return found, reasons


def _check_horizon(horizon: int, longest: int, held: int) -> None:
    """Raise ConfigError for a horizon whose last step no training part holds, all in steps.

    longest: of the series; held: steps at their ends that do not train. A part of a single step is
    left to the split, which refuses it.
    """
    most = longest - held - 1
    if 1 <= most < horizon:
        beside = f", of which {held:,} are held out" if held else ""
        raise ConfigError(
            f"`horizon` (={horizon}) does not fit the data: the longest series has {longest:,} "
            f"steps{beside}; the most that training accepts is {most:,}"
        )


def _check_rows(model: ModelConfig, panel: Panel) -> None:
    """Raise ConfigError for what a panel without rows cannot have, or one with rows."""
    for key, value, plain in (
        ("rows", model.rows, "shared"),
        ("cross_row", model.cross_row, "none"),
    ):
        if value != plain and not panel.rows:
            raise ConfigError(
                f"`model.{key}` (={value}) needs rows: name their column by `data.row`, or set "
                f"`data.row_from_file` or `data.wide_columns_are=rows`"
            )
    if model.series != "shared" and panel.rows:
        raise ConfigError(
            f"`model.series` (={model.series}) is for series without rows, and the data have rows: "
            f"use `model.rows={model.series}`"
        )


def _resolve_lags(
    given: list[int] | None, panel: Panel, held: int, train_length: int
) -> tuple[list[int], dict[str, str]]:
    """The seasons of the frequency and, where it does not tell them all, of the data.

    Those that a typical training part of `train_length` steps holds twice. held: steps at the end
    of each series that do not train; nothing is looked for in them.
    """
    if given is not None:
        for lag in given:
            if lag < 1:
                raise ConfigError(
                    f"`features.seasonal_lags` (={given}) must be steps of at least 1"
                )
        return list(given), {}
    frequency = panel.frequency
    suggested, reason = list(frequency.seasons), f"the seasons of a step of {frequency.alias}"
    if not tells_seasons(frequency):
        found, why = find_lags(panel, (panel.lengths - held).clamp_min(0))
        reason = f"{reason}; {why}" if suggested else why
        suggested = sorted({*suggested, *found})
    kept = [s for s in suggested if 2 * s <= train_length and s <= _LONGEST_SEASON]
    dropped = [s for s in suggested if s not in kept]
    if dropped:
        reason += (
            f", less {dropped}: longer than half of the training part, or than {_LONGEST_SEASON}"
        )
    return kept, {"features.seasonal_lags": reason}


def _resolve_context(
    given: int | None, horizon: int, lags: list[int], train_length: int
) -> tuple[int, dict[str, str]]:
    """The longest of some rules, within half of the training part."""
    if given is not None:
        if given < 1:
            raise ConfigError(f"`context_length` (={given}) must be at least 1")
        return given, {}
    rules = {
        f"twice the longest season ({max(lags, default=0)})": 2 * max(lags, default=0),
        f"six of the shortest season ({min(lags, default=0)})": 6 * min(lags, default=0),
        "three horizons": 3 * horizon,
        "at least 16": 16,
    }
    rule = max(rules, key=rules.__getitem__)
    wanted = rules[rule]
    limit = max(4, min(_LONGEST_CONTEXT, train_length // 2))
    reason = rule + (f", but at most half of the training part ({limit})" if wanted > limit else "")
    return min(wanted, limit), {"context_length": reason}


def _baseline_season(frequency: Frequency, lags: list[int], train_length: int) -> int:
    """The season of the seasonal naive baseline and of MASE: the shortest usual one, or 1."""
    within = [lag for lag in lags if lag < train_length]
    if within:
        return min(within)
    usable = [s for s in frequency.seasons if s < train_length]
    return usable[0] if usable else 1
