"""Calibration in a training: fitted on the validation part, used on the test part, kept."""

from __future__ import annotations

from tsconv.calibration.calibrator import Calibrator
from tsconv.calibration.conformal import Calibration, fit_calibration
from tsconv.calibration.error_scores import ErrorScores
from tsconv.calibration.value_range import ValueRange, panel_range
from tsconv.forecasting.intervals.calibrators import network_calibrator
from tsconv.model.ensemble import Network
from tsconv.training.prepare import Prepared


class CalibrationFit:
    """Fits a calibration to the validation errors of a network, and remembers it.

    Call it with the errors; it returns what calibrates the forecasts of the test part.

    prepared: of the training. net: trained, one network or several.
    """

    def __init__(self, prepared: Prepared, net: Network) -> None:
        self.prepared, self.net = prepared, net
        self.found: Calibration | None = None

    @property
    def plain(self) -> Calibrator:
        """What is done to forecasts before there is a calibration."""
        panel, config = self.prepared.panel, self.prepared.config
        return network_calibrator(self.net, panel, point=config.point, value_range=self._range)

    @property
    def _range(self) -> ValueRange:
        return panel_range(self.prepared.panel, self.prepared.config.data, False)

    def __call__(self, errors: ErrorScores) -> Calibrator:
        """Fit, and return the calibrator of the training's panel."""
        prepared = self.prepared
        panel, config = prepared.panel, prepared.config
        kind = config.conformal.kind
        self.found = fit_calibration(
            errors, kind, panel.ids, panel.targets, panel.rows, prepared.season
        )
        return network_calibrator(
            self.net,
            panel,
            calibration=self.found,
            point=config.point,
            trained_until=lambda: prepared.split.train_end.cpu(),
            value_range=self._range,
        )
