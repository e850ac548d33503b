"""Defaults that fit the data: what a config leaves open is chosen here, by stated rules.

Pure functions of the frequency and the lengths. Each choice comes with its reason, which is written
beside the value into the run's config.yaml. Whatever the caller set is kept.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from tsconv.config.schema import DataConfig, ModelConfig, SplitConfig, TrainConfig
from tsconv.data.panel.calendar import choose_calendar
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import Frequency
from tsconv.errors import ConfigError
from tsconv.nn.tcn import receptive_field

_LONGEST_CONTEXT = 1024
_LONGEST_SEASON = 2016  # a lag beyond this costs more history than it repays
_ORIGINS_PER_STEP = 8192
_STEPS = (300, 1000)


@dataclasses.dataclass(frozen=True)
class Resolved:
    """A config without open ends, the seasonal period of the baseline, and why."""

    config: TrainConfig
    season: int  # steps
    reasons: dict[str, str]  # key of the config -> reason


def resolve(config: TrainConfig, panel: Panel) -> Resolved:
    """Fill every open key from the panel; `panel` is already cut to train + val + test."""
    if config.horizon < 1:
        raise ConfigError(f"`horizon` (={config.horizon}) must be at least 1")
    reasons: dict[str, str] = {}
    _check_rows(config, panel)
    ordered = panel.lengths.sort().values
    typical, longest = int(ordered[len(ordered) // 2]), int(ordered[-1])
    split = _resolve_split(config, typical, reasons)
    train_length = max(2, typical - _held_out(split))
    lags = _resolve_lags(config, panel.frequency, train_length, reasons)
    calendar = choose_calendar(config.features.calendar, panel.frequency, train_length)
    if config.features.calendar == "auto":
        reasons["features.calendar"] = (
            f"the cycles of a step of {panel.frequency.alias} that the training part holds twice"
        )
    context = _resolve_context(config, lags, train_length, reasons)
    model = _resolve_model(config, panel, context, train_length, reasons)
    data = _resolve_chunks(config, panel, model, longest, split, reasons)
    trainer = _resolve_steps(config, panel, split, data, reasons)
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
    )
    return Resolved(config, _baseline_season(panel.frequency, lags, train_length), reasons)


def _check_rows(config: TrainConfig, panel: Panel) -> None:
    """Raise ConfigError for what a panel without rows cannot have."""
    model = config.model
    for key, value, plain in (
        ("rows", model.rows, "shared"),
        ("cross_row", model.cross_row, "none"),
    ):
        if value != plain and not panel.rows:
            raise ConfigError(
                f"`model.{key}` (={value}) needs rows: name their column by `data.row`, or set "
                f"`data.row_from_file` or `data.wide_columns_are=rows`"
            )


def _resolve_split(config: TrainConfig, typical: int, reasons: dict[str, str]) -> SplitConfig:
    """Test and validation: a tenth of a typical series each, at least the horizon, at most 10.

    A series that could not keep half of itself for training gives up the validation part first.
    """
    split, horizon = config.split, config.horizon
    for name in ("train_size", "val_size", "test_size"):
        size = getattr(split, name)
        if size is not None and size < 0:
            raise ConfigError(f"`split.{name}` (={size}) must not be negative")
        if size and name != "train_size" and size < horizon:
            raise ConfigError(
                f"`split.{name}` (={size}) must be 0 or at least `horizon` (={horizon}), "
                f"or no forecast could be scored in it"
            )
    size = min(max(horizon, typical // 10), 10 * horizon)
    room = typical // 2  # at least half of a typical series trains
    test, val = split.test_size, split.val_size
    if test is None:
        test = size if size <= room else (horizon if horizon <= room else 0)
        reasons["split.test_size"] = (
            f"a tenth of a typical series ({typical} steps), within 1 to 10 horizons"
            if test
            else f"a typical series has {typical} steps, too few to hold out a horizon of {horizon}"
        )
    if val is None:
        left = room - test
        val = size if size <= left else (horizon if horizon <= left else 0)
        reasons["split.val_size"] = (
            "as test_size"
            if val == test
            else f"what half of a typical series leaves: {max(0, left)}"
        )
    return dataclasses.replace(split, val_size=val, test_size=test)


def _held_out(split: SplitConfig) -> int:
    """Steps at the end of each series that do not train."""
    return (split.val_size or 0) + (split.test_size or 0)


def _training_origins(panel: Panel, split: SplitConfig) -> int:
    """Over all series."""
    return int((panel.lengths - _held_out(split) - 1).clamp_min(0).sum())


def _resolve_lags(
    config: TrainConfig, frequency: Frequency, train_length: int, reasons: dict[str, str]
) -> list[int]:
    given = config.features.seasonal_lags
    if given is not None:
        for lag in given:
            if lag < 1:
                raise ConfigError(
                    f"`features.seasonal_lags` (={given}) must be steps of at least 1"
                )
        return list(given)
    suggested = frequency.seasons
    kept = [s for s in suggested if 2 * s <= train_length and s <= _LONGEST_SEASON]
    dropped = [s for s in suggested if s not in kept]
    reasons["features.seasonal_lags"] = f"the seasons of a step of {frequency.alias}" + (
        f", less {dropped}: longer than half of the training part, or than {_LONGEST_SEASON}"
        if dropped
        else ""
    )
    return kept


def _resolve_context(
    config: TrainConfig, lags: list[int], train_length: int, reasons: dict[str, str]
) -> int:
    if config.context_length is not None:
        if config.context_length < 1:
            raise ConfigError(f"`context_length` (={config.context_length}) must be at least 1")
        return config.context_length
    rules = {
        f"twice the longest season ({max(lags, default=0)})": 2 * max(lags, default=0),
        f"six of the shortest season ({min(lags, default=0)})": 6 * min(lags, default=0),
        "three horizons": 3 * config.horizon,
        "at least 16": 16,
    }
    rule = max(rules, key=rules.__getitem__)
    wanted = rules[rule]
    limit = max(4, min(_LONGEST_CONTEXT, train_length // 2))
    reasons["context_length"] = rule + (
        f", but at most half of the training part ({limit})" if wanted > limit else ""
    )
    return min(wanted, limit)


def _resolve_model(
    config: TrainConfig, panel: Panel, context: int, train_length: int, reasons: dict[str, str]
) -> ModelConfig:
    model = config.model
    channels = model.channels
    if channels is None:
        beside = panel.n_past > 0 or panel.covariates is not None
        channels = "mixed" if beside else "independent"
        reasons["model.channels"] = (
            "one state sees the covariates" if beside else "no covariates of the file"
        )
    hidden, levels = model.hidden, model.levels
    if hidden is None:
        steps = len(panel) * len(panel.targets) * panel.n_rows * train_length
        hidden = 16 if steps < 2_000 else 32 if steps < 150_000 else 64
        reasons["model.hidden"] = f"about {steps:,} training steps in all"
    if levels is None:
        levels = 1
        while (
            levels < 10 and receptive_field(model.kernel_size, levels + 1, model.stacks) <= context
        ):
            levels += 1
        field = receptive_field(model.kernel_size, levels, model.stacks)
        reasons["model.levels"] = (
            f"receptive field {field}, the most within the context of {context}"
        )
    return dataclasses.replace(model, hidden=hidden, levels=levels, channels=channels)


def _resolve_chunks(
    config: TrainConfig,
    panel: Panel,
    model: ModelConfig,
    longest: int,
    split: SplitConfig,
    reasons: dict[str, str],
) -> DataConfig:
    """Chunks long enough to repay their history, short enough that a batch mixes many series."""
    data = config.data
    per_chunk, per_batch = data.origins_per_chunk, data.chunks_per_batch
    for name in ("origins_per_chunk", "chunks_per_batch"):
        if getattr(data, name) is not None and getattr(data, name) < 1:
            raise ConfigError(f"`data.{name}` (={getattr(data, name)}) must be at least 1")
    available = max(1, longest - _held_out(split) - 1)
    side_by_side = len(panel.targets) * panel.n_rows
    if per_chunk is None:
        assert model.levels is not None  # chosen before the chunks
        history = receptive_field(model.kernel_size, model.levels, model.stacks) - 1
        power = 2 ** math.ceil(math.log2(max(16, 2 * history)))
        # A wide family holds as many forecasts in a short chunk as a single series in a long one.
        widest = 2 ** max(5, int(math.log2(max(1, 4 * _ORIGINS_PER_STEP // side_by_side))))
        per_chunk = min(512, power, available, widest)
        reasons["data.origins_per_chunk"] = (
            f"all origins of the longest training part ({available})"
            if per_chunk == available
            else f"what {side_by_side} rows and targets side by side leave room for"
            if per_chunk == widest < min(512, power)
            else f"twice the stack's history ({history}), as a power of 2 up to 512"
        )
    if per_batch is None:
        total = max(1, _training_origins(panel, split))
        budget = min(max(1, _ORIGINS_PER_STEP // side_by_side), max(256, total))
        per_batch = max(1, round(budget / per_chunk))
        reasons["data.chunks_per_batch"] = (
            f"about {per_batch * per_chunk * side_by_side} origins a step"
        )
    return dataclasses.replace(data, origins_per_chunk=per_chunk, chunks_per_batch=per_batch)


def _resolve_steps(
    config: TrainConfig,
    panel: Panel,
    split: SplitConfig,
    data: DataConfig,
    reasons: dict[str, str],
) -> dict[str, Any]:
    """Steps for about a hundred passes over the training origins, within 300 and 1000."""
    trainer = dict(config.trainer)
    if trainer.get("max_steps") is None:
        assert data.origins_per_chunk is not None  # both chosen before the steps
        assert data.chunks_per_batch is not None
        total = _training_origins(panel, split)
        passes = 100 * total / (data.origins_per_chunk * data.chunks_per_batch)
        trainer["max_steps"] = int(min(max(passes, _STEPS[0]), _STEPS[1]))
        reasons["trainer.max_steps"] = (
            f"100 passes over {total:,} training origins, within {_STEPS[0]} and {_STEPS[1]}"
        )
    if not isinstance(trainer["max_steps"], int) or trainer["max_steps"] < 1:
        raise ConfigError(f"`trainer.max_steps` (={trainer['max_steps']}) must be at least 1")
    if trainer.get("val_check_interval") is None:
        trainer["val_check_interval"] = max(1, math.ceil(trainer["max_steps"] / 10))
        reasons["trainer.val_check_interval"] = "ten validations"
    return trainer


def _baseline_season(frequency: Frequency, lags: list[int], train_length: int) -> int:
    """The season of the seasonal naive baseline and of MASE: the shortest usual one, or 1."""
    within = [lag for lag in lags if lag < train_length]
    if within:
        return min(within)
    usable = [s for s in frequency.seasons if s < train_length]
    return usable[0] if usable else 1
