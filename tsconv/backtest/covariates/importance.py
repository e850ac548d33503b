"""What each covariate and row is worth: the error with its values permuted within the season."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tsconv.backtest.backtest import Backtest
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.covariates.permute import permute_within_season
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.metrics import MetricSums
from tsconv.evaluation.scoring import evaluate
from tsconv.forecasting.match import training_row_index

_MOST_VALUES = 20_000_000  # forecast values scored for one covariate: more origins are thinned out


def importance_of(backtest: Backtest, seed: int = 0) -> list[dict[str, Any]]:
    """By how much the error rises when one covariate or row is permuted, the largest first.

    Values are exchanged among the steps of the same place in the season of each series, see
    `permute_within_season`; the network is not trained anew. Past and future covariates are
    permuted in turn; rows only where they exchange information, and then the other rows are
    scored. A dict for each of `name`, `kind` (covariate or row) and `change`, the relative rise
    of the scaled absolute error over the origins that are judged; near 0 it is worth nothing, below
    0 the network would do better without. The calendar and static columns are not permuted.
    """
    origins = _thinned(backtest)
    found = []
    whole = _score(backtest, backtest.panel, origins)
    for name, row in _columns(backtest):
        panel = permute_within_season(backtest.panel, name, backtest.bundle.season, seed)
        permuted = _score(backtest, panel, origins)
        before, after = (_error(sums, row) for sums in (whole, permuted))
        if before and after is not None:
            kind = "covariate" if row is None else "row"
            found.append({"name": name, "kind": kind, "change": after / before - 1})
    return sorted(found, key=lambda entry: -entry["change"])


def _columns(backtest: Backtest) -> Iterator[tuple[str, int | None]]:
    """The names to permute, with the number of the row where it is one."""
    panel, spec = backtest.panel, backtest.bundle.net.spec
    yield from ((name, None) for name in panel.channels[len(panel.targets) :])
    if panel.covariates is not None:
        yield from ((name, None) for name in panel.covariates.names)
    if spec.cross_row != "none" and len(panel.rows) > 1:
        yield from ((name, h) for h, name in enumerate(panel.rows))


def _score(backtest: Backtest, panel: Panel, origins: OriginRange) -> MetricSums:
    """The sums of forecasts from a panel of the backtest's series and rows."""
    bundle = backtest.bundle
    return evaluate(
        bundle.net,
        panel,
        origins,
        backtest.scale,
        horizon=backtest.horizon,
        row_index=training_row_index(bundle, backtest.panel),
    )[0]


def _error(sums: MetricSums, row: int | None) -> float | None:
    """The scaled absolute error of all rows but one, whose own values are permuted too."""
    if row is None:
        return _value(sums.result()["scaled_mae"])
    others = [h for h in range(sums.scale.std.shape[2]) if h != row]
    errors = [_value(sums.part(row=h).result()["scaled_mae"]) for h in others]
    known = [error for error in errors if error is not None]
    return sum(known) / len(known) if known else None


def _value(figure: float | int | None) -> float | None:
    return None if figure is None else float(figure)


def _thinned(backtest: Backtest) -> OriginRange:
    """The origins that are judged, or every k-th of them where there are very many."""
    origins, panel = backtest.judged.origins, backtest.panel
    sides = len(panel.targets) * panel.n_rows
    values = int(origins.counts.sum()) * sides * backtest.horizon
    stride = origins.stride * max(1, -(-values // _MOST_VALUES))
    return dataclasses.replace(origins, stride=stride)
