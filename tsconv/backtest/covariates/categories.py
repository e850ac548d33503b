"""Errors by the category of a covariate: holidays against other days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tsconv.backtest.backtest import Backtest
from tsconv.data.covariates.encode import Encoding

_MOST = 50  # categories of a covariate; more are no groups to compare


def by_category(backtest: Backtest) -> list[dict[str, Any]]:
    """For each category of what is known ahead: the errors of the steps that have it.

    A column of numbers with two values, such as 0 and 1, counts as one of categories. Returns a
    dict for each with `covariate`, `category`, `n` (values that were forecast and observed), `mae`
    and `rival_mae`, over the origins that are judged; a category that did not occur has none.
    """
    panel, covariates = backtest.panel, backtest.panel.covariates
    if covariates is None:
        return []
    sums = backtest.judged.steps.by_target  # of (N, T, H)
    lengths = panel.lengths.cpu()
    of = torch.repeat_interleave(torch.arange(len(panel)), lengths)
    within = torch.arange(len(of)) - panel.indptr.cpu()[of]
    at = covariates.indptr.cpu()[of] + within  # covariates reach further than values
    found = []
    for encoding in backtest.bundle.encodings:
        if encoding.role != "future" or encoding.name not in covariates.names:
            continue
        column = covariates.values[:, covariates.names.index(encoding.name)].cpu()[at]  # (N, H)
        for name, here in _categories(encoding, column):
            n, ours, rival = (
                float((sums[key] * here.unsqueeze(1)).sum()) for key in ("points", "ours", "rival")
            )
            if n > 0:
                theirs = rival / n if backtest.rival is not None else None
                entry = {"covariate": encoding.name, "category": name, "n": int(n)}
                found.append({**entry, "mae": ours / n, "rival_mae": theirs})
    return found


def _categories(encoding: Encoding, column: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The categories of a column, and where each stands: (N, H)."""
    if encoding.categories is not None:
        if len(encoding.categories) <= _MOST:
            for code, name in enumerate(encoding.categories, start=1):  # 0 is unknown
                yield name, column == code
        return
    values = torch.unique(column[~column.isnan()])
    if len(values) == 2 and encoding.std > 0:
        for value in values.tolist():
            yield f"{round(value * encoding.std + encoding.mean, 6):g}", column == value
