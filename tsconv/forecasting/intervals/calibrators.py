"""The calibrator of a panel: from a bundle, or from a network in training, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tsconv.calibration.calibrator import POINT_KNOTS, Calibrator
from tsconv.calibration.choose import ADAPTIVE_LEVELS
from tsconv.calibration.conformal import Calibration
from tsconv.calibration.value_range import ValueRange, panel_range
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError
from tsconv.evaluation.training_ends import steps_until
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.intervals.origin_widths import origin_widths, widths_from
from tsconv.forecasting.intervals.wanted import Wanted, quantiles_of
from tsconv.forecasting.match import training_row_index
from tsconv.model.ensemble import Network

# Further levels of a distribution, which its own ones do not reach.
_TAILS = (0.005, 0.025, 0.05, 0.95, 0.975, 0.995)


def network_calibrator(
    net: Network,
    panel: Panel,
    *,
    quantiles: Sequence[float] | None = None,
    calibration: Calibration | None = None,
    kind: str | None = None,
    point: str = "median",
    trained_until: Callable[[], Tensor] | None = None,
    row_index: Tensor | None = None,
    value_range: ValueRange | None = None,
) -> Calibrator:
    """What is done to a network's forecasts of a panel.

    Args:
        quantiles: the levels that are wanted; None: the network's.
        calibration: of the network; None for none.
        kind: none, split or adaptive; None: as the calibration says.
        point: median or mean.
        trained_until: gives (S,) the steps of each series' training part, for adaptive widths.
        row_index: as `forecast_panel` takes it.
        value_range: of the panel's forecasts; None for any value.
    """
    quantiles = net.quantiles if quantiles is None else tuple(quantiles)
    kind = kind or ("none" if calibration is None else calibration.kind)
    used = None if kind == "none" else calibration
    own = net.quantiles
    is_plain = used is None and quantiles == own and point == "median"
    knots = own if is_plain or len(own) > 1 else POINT_KNOTS
    if net.has_distribution:  # exact levels where none is moved, else enough to go between
        knots = quantiles if used is None else tuple(sorted({*own, *_TAILS, *quantiles}))
    scores = None
    if used is not None:
        member = used.members(panel.ids, panel.targets, panel.rows)
        scores = used.maps.scores(quantiles, member)
    widths = None
    if used is not None and kind == "adaptive":
        ends = torch.zeros(len(panel), dtype=torch.int64)
        if trained_until is not None:
            ends = trained_until()
        calm = Calibrator(
            knots,
            ADAPTIVE_LEVELS,
            used.maps.scores(ADAPTIVE_LEVELS, member),
            any_level=net.has_distribution,
        )
        context = torch.full_like(ends, net.spec.context_length - 1)
        widths = origin_widths(net, panel, calm, widths_from(ends, context), row_index)
    limits, offset = value_range, None
    if limits is not None:
        limits = None if limits.is_open else limits
        offset = panel.offset[:, : len(panel.targets)].cpu()
    trained = () if net.has_distribution else own
    return Calibrator(
        knots, quantiles, scores, widths, point, limits, offset, trained, net.has_distribution
    )


def quantiles_wanted(net: Network, wanted: Wanted | None) -> tuple[float, ...]:
    """The levels of the forecasts: those that are wanted, or the network's."""
    if wanted is None or wanted.levels is None:
        return net.quantiles
    return quantiles_of(wanted.levels)


def bundle_calibrator(bundle: Bundle, panel: Panel, wanted: Wanted | None = None) -> Calibrator:
    """What is done to the forecasts of a bundle's network for a panel that was matched to it.

    Raises ConfigError where the bundle does not have what is wanted.
    """
    wanted = wanted or Wanted()
    calibration = bundle.calibration
    if calibration is None and wanted.conformal in ("split", "adaptive"):
        raise ConfigError(
            f"`conformal` (={wanted.conformal}) needs a bundle that was calibrated, and this one "
            f"was not: train it anew with a validation part (`split.val_size`)"
        )
    own = bundle.net.quantiles
    quantiles = quantiles_wanted(bundle.net, wanted)
    has_levels = len(own) > 1 or bundle.net.has_distribution
    if quantiles != own and not has_levels and (calibration is None or wanted.conformal == "none"):
        raise ConfigError(
            f"`levels` (={list(wanted.levels or ())}) needs intervals, and the bundle has a point "
            f"head without calibration: train with head=quantile, or with a validation part"
        )
    return network_calibrator(
        bundle.net,
        panel,
        quantiles=quantiles,
        calibration=calibration,
        kind=wanted.conformal,
        point=wanted.point or str(bundle.info.get("point", "median")),
        trained_until=lambda: steps_until(bundle.info.get("trained_until"), panel),
        row_index=training_row_index(bundle, panel),
        value_range=panel_range(
            panel, wanted.roles or bundle.data, bundle.net.whole, wanted.given, bundle.channels
        ),
    )
