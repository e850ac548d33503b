"""A covariate without its information: values exchanged among the steps of one place in the season.

Where forecasts of such a panel are as good as those of the panel itself, they owe nothing to the
covariate but what its season says.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import steps_within
from tsconv.errors import ConfigError, nearest, require_positive


def permute_within_season(panel: Panel, name: str, season: int, seed: int) -> Panel:
    """A copy of the panel with one column's values permuted along time, within each series.

    Values move only among the steps of a series that have the same place in the season, so that
    each place keeps its values and only their order in time is lost (Breiman 2001, "Random
    Forests", permutes without such a condition; the season is no news to a forecast). Rows move
    together, so that what they share stays shared.

    A missing cell moves as a value does: a network sees what is missing, so that where it is
    missing is information too, and the others need not be made up.

    Args:
        panel: with covariates, encoded or not. It is not changed.
        name: a past or future covariate, a channel that is not forecast, or else a row: then all
            channels of the row move together. Score on the values of the panel itself then.
        season: steps; 1 permutes all steps of a series.
        seed: at least 0; the same one gives the same permutation.

    Raises:
        ConfigError: the panel has no such column or row, it is a target, or season is below 1.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(6), "y": 1.0, "z": [0, 9, 1, 8, 2, 7]})
    >>> panel = build_panel(table_from_frame(frame, DataConfig(future_covariates=["z"])))
    >>> permuted = permute_within_season(panel, "z", season=2, seed=0)
    >>> sorted(permuted.covariates.values.flatten()[::2].tolist())
    [0.0, 1.0, 2.0]
    """
    require_positive(season=season)
    covariates = panel.covariates
    if covariates is not None and name in covariates.names:
        values = covariates.values.clone()
        column = covariates.names.index(name)
        values[:, column] = values[_source(covariates.indptr, season, seed), column]
        return dataclasses.replace(panel, covariates=dataclasses.replace(covariates, values=values))
    past = panel.channels[len(panel.targets) :]
    values = panel.values.clone()
    source = _source(panel.indptr, season, seed)
    if name in past:
        channel = panel.channels.index(name)
        values[:, channel] = values[source, channel]
    elif name in panel.rows:
        row = panel.rows.index(name)
        values[..., row] = values[source][..., row]
    else:
        known = (*(() if covariates is None else covariates.names), *past, *panel.rows)
        raise ConfigError(
            f"`{name}` is not a covariate of the panel, nor a row{nearest(name, known)}"
        )
    return dataclasses.replace(panel, values=values)


def _source(indptr: Tensor, season: int, seed: int) -> Tensor:
    """(N,) the step that each step of a ragged tensor gets its values from."""
    bounds = indptr.cpu()
    series = torch.repeat_interleave(torch.arange(len(bounds) - 1), bounds.diff()).numpy()
    step = steps_within(bounds).numpy()
    place = step % season
    generator = np.random.Generator(np.random.Philox(key=seed))
    drawn = np.lexsort((generator.random(len(step)), place, series))
    source = np.empty_like(drawn)
    source[np.lexsort((step, place, series))] = drawn
    return torch.from_numpy(source).to(indptr.device)
