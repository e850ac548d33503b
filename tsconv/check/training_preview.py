"""What a training on a checked file would choose: with a suggested horizon, where none is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsconv.check.suggestions.horizon import suggest_horizon, suggest_lags
from tsconv.config.schema import TrainConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.periods import Season
from tsconv.errors import ConfigError, DataError
from tsconv.training.prepare import Prepared, check_config, prepare


@dataclasses.dataclass(frozen=True)
class TrainingPreview:
    """A training as it would start, or the error at which it would stop; nothing has run."""

    prepared: Prepared | None
    error: ConfigError | DataError | None
    keys: dict[str, Any]  # config keys that are suggested for it
    horizon_reason: str | None  # why this horizon is suggested; None where one is given
    config: TrainConfig | None = None  # what was prepared, before anything was chosen


def preview_training(
    config: TrainConfig, horizon: int | None, panel: Panel, seasons: Sequence[Season]
) -> TrainingPreview:
    """Choose all that a training on this panel would choose.

    horizon: steps to forecast; None where one is to be suggested.
    """
    config = dataclasses.replace(config, resume=None, run_dir=None)
    typical = int(np.median(panel.lengths.numpy()))
    keys: dict[str, Any] = {}
    reason = None
    if horizon is None:
        keys["horizon"], reason = suggest_horizon(panel.frequency, typical, seasons)
        config = dataclasses.replace(config, horizon=keys["horizon"])
    if config.features.seasonal_lags is None:
        lags = suggest_lags(panel.frequency, seasons, typical - 2 * config.horizon)
        if lags:
            keys["features.seasonal_lags"] = lags
            features = dataclasses.replace(config.features, seasonal_lags=lags)
            config = dataclasses.replace(config, features=features)
    try:
        prepared = prepare(config, panel)
    except (ConfigError, DataError) as error:
        return TrainingPreview(None, error, keys, reason)
    return TrainingPreview(prepared, None, keys, reason, check_config(config))
