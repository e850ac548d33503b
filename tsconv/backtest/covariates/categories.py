"""Errors by the category of a covariate: holidays against other days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tsconv.backtest.backtest import Backtest
from tsconv.data.covariates.encode import Encoding
from tsconv.data.panel.ragged import steps_within

_MOST = 50  # categories of a covariate; more are no groups to compare


def by_category(backtest: Backtest) -> list[dict[str, Any]]:
    """For each category of what is known ahead: the errors of the steps that have it.

    A column of numbers with two values, such as 0 and 1, counts as one of categories. Returns a
    dict for each with `covariate`, `category`, `n` (values that were forecast and observed), `mae`
    and `rival_mae`, over the origins that are judged; a category that did not occur has none.
    """
    sums = backtest.judged.steps.by_target  # of (N, T, H)
    found = []
    for encoding, column in columns_ahead(backtest):
        for name, code in kinds_of(encoding, column, _MOST):
            here = (column == code).unsqueeze(1)  # (N, 1, H)
            n, ours, rival = (
                float((sums[key] * here).sum()) for key in ("points", "ours", "rival")
            )
            if n > 0:
                theirs = rival / n if backtest.rival is not None else None
                entry = {"covariate": encoding.name, "category": name, "n": int(n)}
                found.append({**entry, "mae": ours / n, "rival_mae": theirs})
    return found


def columns_ahead(backtest: Backtest) -> Iterator[tuple[Encoding, Tensor]]:
    """Each covariate that is known ahead, encoded, at the steps of the panel: (N, H)."""
    panel, covariates = backtest.panel, backtest.panel.covariates
    if covariates is None:
        return
    begin = covariates.indptr.cpu()[:-1]  # covariates reach further than values
    at = begin.repeat_interleave(panel.lengths.cpu()) + steps_within(panel.indptr.cpu())
    for encoding in backtest.bundle.encodings:
        if encoding.role == "future" and encoding.name in covariates.names:
            number = covariates.names.index(encoding.name)
            yield encoding, covariates.values[:, number].cpu()[at]


def kinds_of(encoding: Encoding, column: Tensor, most: int) -> list[tuple[str, float]]:
    """The categories of a column with their codes, or the two values of one of numbers.

    most: categories; of a column with more, none is a kind of its own.

    >>> kinds_of(Encoding("sky", "future", categories=("clear", "cloudy")), torch.ones(1), 5)
    [('clear', 1.0), ('cloudy', 2.0)]
    """
    if encoding.categories is not None:
        names = encoding.categories if len(encoding.categories) <= most else ()
        return [(name, float(code)) for code, name in enumerate(names, start=1)]  # 0 is unknown
    values = torch.unique(column[~column.isnan()]).tolist()
    if len(values) != 2 or encoding.std == 0:
        return []
    return [(f"{round(v * encoding.std + encoding.mean, 6):g}", v) for v in values]
