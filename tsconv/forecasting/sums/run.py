"""The sums and sample paths of a forecast: drawn once, written beside it or given as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from tsconv.calibration.calibrator import Calibrator
from tsconv.calibration.value_range import ValueRange
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.wanted import PATH_LEVELS, Wanted
from tsconv.forecasting.sums.paths import Limit, SamplePaths, sample_paths
from tsconv.notes import Note, NoteKind

_INDEPENDENT = (
    "sums take errors of steps and series as independent, and their intervals are too narrow where "
    "they are not: the bundle was not calibrated, train it anew with a validation part"
)

MakeForecast = Callable[[Calibrator], Forecast]


def paths_of(
    bundle: Bundle, panel: Panel, wanted: Wanted, make: MakeForecast, n: int, seed: int
) -> SamplePaths:
    """The sample paths of a bundle's forecasts of a panel.

    make: forecasts the panel as a calibrator has it; it is called once more than for the forecast
    itself, for the whole distribution of each step. n: paths; seed: they are a function of it.
    """
    calibrator = bundle_calibrator(bundle, panel, dataclasses.replace(wanted, levels=PATH_LEVELS))
    limits = calibrator.value_range
    # Samples are limited one by one: limited levels would be made whole twice.
    forecast = make(dataclasses.replace(calibrator, value_range=None, offset=None))
    calibration = bundle.calibration
    return sample_paths(
        forecast,
        panel,
        forecast.quantiles,
        None if calibration is None else calibration.dependence,
        () if calibration is None else calibration.series,
        () if calibration is None else calibration.rows,
        n=n,
        seed=seed,
        whole=bundle.net.whole,
        limit=None if limits is None else _limit(limits),
    )


def dependence_note(bundle: Bundle) -> Note | None:
    """A note where a bundle does not know how errors depend on each other."""
    if bundle.calibration is not None and bundle.calibration.dependence is not None:
        return None
    return Note(NoteKind.INDEPENDENT_SUMS, _INDEPENDENT)


def _limit(limits: ValueRange) -> Limit:
    zero = torch.zeros(1, 1, 1, 1, 1, dtype=torch.float64)

    def limit(samples: Tensor, series: Tensor) -> Tensor:
        return limits.limited(samples, series, zero)

    return limit
