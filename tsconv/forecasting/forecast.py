"""Forecasting a panel: one dense pass over the last context of each series."""

from __future__ import annotations

import dataclasses

import torch

from tsconv.calibration.calibrator import Calibrator
from tsconv.data.batches.chunks import Batch, gather
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.distributed.ranks import Ranks
from tsconv.errors import ConfigError
from tsconv.model.components import median_components
from tsconv.model.ensemble import Network, members_of
from tsconv.notes import Note, NoteKind


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Forecasts from one origin of each series that could be forecast.

    T targets, H rows, Q quantiles; S' series, of which some (row, target) may have no forecast.
    """

    values: torch.Tensor  # (S', T, H, horizon, Q) float64, in original units
    has_forecast: torch.Tensor  # (S', T, H) bool; where it is False, values are NaN
    series: torch.Tensor  # (S',) positions in the panel
    origin: torch.Tensor  # (S',) the step that each was forecast from
    skipped: tuple[str, ...]  # (series, row, target) without an observed value in their context
    quantiles: tuple[float, ...]  # the levels of the last axis of `values`
    point: torch.Tensor  # (S', T, H, horizon): the median, unless another one is asked for
    unlimited: torch.Tensor  # as `point`, before it was brought within the bounds
    # Parts of the median by name, each (S', T, H, horizon), where they are asked for. `bounds` is
    # what brings it within them.
    components: dict[str, torch.Tensor] = dataclasses.field(default_factory=dict)

    def head(self, horizon: int) -> Forecast:
        """The first `horizon` steps of each forecast."""
        components = {key: part[..., :horizon] for key, part in self.components.items()}
        point, unlimited = self.point[..., :horizon], self.unlimited[..., :horizon]
        values = self.values[..., :horizon, :]
        return dataclasses.replace(
            self, values=values, point=point, unlimited=unlimited, components=components
        )


def forecast_panel(
    net: Network,
    panel: Panel,
    batch_size: int = 256,
    origins: torch.Tensor | None = None,
    row_index: torch.Tensor | None = None,
    ranks: Ranks | None = None,
    components: bool = False,
    season: int | None = None,
    calibrator: Calibrator | None = None,
) -> Forecast:
    """Forecast every series from its last step, or from `origins`.

    The training need not have seen any of the series. A target of which nothing was observed within
    `context_length` steps of its origin is left out and named in `skipped`.

    batch_size: series forecast at once, fewer where there are rows. origins: (S,) steps, -1 to
    leave a series out. row_index: (H,) the number of each row in the training, see
    `match.training_row_index`; (S,) the number of each series where the network differs by series.
    ranks: share the series out; rank 0 gets all forecasts in order, the
    others those of their part. components: give the parts of the median too, in one process alone;
    season: steps of the main season, for them. calibrator: of the panel; None: forecasts are what
    the network says. Raises ConfigError where batch_size is below 1, and for components of several
    ranks.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> from tsconv.model.network import ForecastNet
    >>> from tsconv.model.spec import NetSpec
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(40), "y": [1.0, 2.0] * 20})
    >>> panel = build_panel(table_from_frame(frame, DataConfig()))
    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2)).eval()
    >>> forecast_panel(net, panel).values.shape[:4]  # one series, target and row; three steps
    torch.Size([1, 1, 1, 3])
    """
    if batch_size < 1:
        raise ConfigError(f"`batch_size` (={batch_size}) must be at least 1")
    ranks = ranks or Ranks.alone()
    if components and ranks.size > 1:
        raise ConfigError("`components` (=True) are made in one process: leave `devices` at 1")
    device = next(net.parameters()).device
    panel = panel.to(device)
    origin = panel.lengths - 1 if origins is None else origins.to(device)
    wanted = torch.nonzero(origin >= 0).flatten()
    mine = wanted[ranks.share(len(wanted))]
    row_index = None if row_index is None else row_index.to(device)
    at_once = max(1, batch_size // panel.n_rows)
    found: dict[str, list[torch.Tensor]] | None = {} if components else None
    calibrator = calibrator or Calibrator(net.quantiles, net.quantiles)
    own = _forecast_series(net, panel, mine, origin, at_once, calibrator, row_index, found, season)
    parts = ranks.gather(own)
    if parts is None:
        parts, wanted = [own], mine
    values, points, has_forecast = (torch.cat(part) for part in zip(*parts, strict=True))
    wanted = wanted.cpu()
    kept = has_forecast.flatten(1).any(1)
    skipped = _skipped_names(panel, wanted, has_forecast)
    by_name = {key: torch.cat(pieces)[kept] for key, pieces in (found or {}).items()}
    return Forecast(
        values[kept],
        has_forecast[kept],
        wanted[kept],
        origin.cpu()[wanted[kept]],
        skipped,
        calibrator.quantiles,
        points[kept, ..., 0],
        points[kept, ..., 1],
        by_name,
    )


def batch_components(
    net: Network,
    panel: Panel,
    batch: Batch,
    row_index: torch.Tensor | None = None,
    season: int | None = None,
) -> dict[str, torch.Tensor]:
    """The median forecasts of a batch of the panel as parts in the units of the data.

    batch: of `gather`, with any number of origins. row_index: as the network takes it. season: of
    the bundle; 1, as None, is none. See `median_components` for what the parts are. Each is
    (B, T, H, O, horizon) float64; they add up to the median. Where the context of an origin has no
    observed value, all but the level are 0.
    """
    names = () if panel.covariates is None else panel.covariates.future
    season = None if season == 1 else season
    parts = median_components(
        net, batch.x, batch.mask, batch.n_origins, row_index, batch.covariates, season, names
    )
    offset = panel.offset[batch.series][:, : batch.y.shape[1], :, None, None]
    return {
        key: part.double() + offset if key == "level" else part.double()
        for key, part in parts.items()
    }


def _forecast_series(
    net: Network,
    panel: Panel,
    wanted: torch.Tensor,
    origin: torch.Tensor,
    at_once: int,
    calibrator: Calibrator,
    row_index: torch.Tensor | None = None,
    components: dict[str, list[torch.Tensor]] | None = None,
    season: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Values, points and `has_forecast` of some series, `at_once` in one pass, on the CPU.

    components: a dict that the parts of each pass are added to, of whatever has a forecast.
    """
    dtype = next(net.parameters()).dtype
    origin_range = OriginRange(first=origin, last=origin, end=panel.lengths)
    targets, n_rows = len(panel.targets), panel.n_rows
    shape = (0, targets, n_rows, net.spec.horizon, len(calibrator.quantiles))
    value_parts = [torch.zeros(shape, dtype=torch.float64)]
    points = [torch.zeros(*shape[:4], 2, dtype=torch.float64)]  # limited, and before
    has_parts = [torch.zeros(shape[:3], dtype=torch.bool)]
    with torch.inference_mode():
        for series in torch.split(wanted, at_once) if len(wanted) else ():
            batch = gather(
                panel, origin_range, series, origin[series], 1, net.history, net.spec.horizon, dtype
            )
            members = members_of(net, series, row_index)
            out = net(batch.x, batch.mask, 1, members, batch.covariates, calibrator.asked)
            has_forecast = (out.n_observed > 0).squeeze(-1)  # (B, T, H)
            mu, sigma = (v.unsqueeze(-1) for v in (out.mu, out.sigma))
            knots = calibrator.knots_of([mu + sigma * v for v in out.levels], out.sigma)
            mean = None if out.mean is None else mu + sigma * out.mean
            levels, *both = calibrator(knots, series, origin[series], mean=mean)
            offset = panel.offset[series][:, :targets, :, None, None]
            values = torch.stack(levels, -1).squeeze(3).double()  # (B, T, H, horizon, Q)
            values = values + offset
            value_parts.append(torch.where(has_forecast[..., None, None], values, torch.nan).cpu())
            point = torch.stack(both, -1).squeeze(3).double() + offset  # (B, T, H, horizon, 2)
            points.append(torch.where(has_forecast[..., None, None], point, torch.nan).cpu())
            has_parts.append(has_forecast.cpu())
            if components is not None:
                for key, part in batch_components(net, panel, batch, members, season).items():
                    shown = torch.where(has_forecast[..., None], part.squeeze(3), torch.nan)
                    components.setdefault(key, []).append(shown.cpu())
                if calibrator.value_range is not None:
                    components.setdefault("bounds", []).append(
                        points[-1].diff(dim=-1)[..., 0].neg()
                    )
    return torch.cat(value_parts), torch.cat(points), torch.cat(has_parts)


def _skipped_names(
    panel: Panel, wanted: torch.Tensor, has_forecast: torch.Tensor
) -> tuple[str, ...]:
    """Names of what was not forecast; rows that a series never had are not among them."""
    missed = ~has_forecast & panel.present.cpu()[wanted].unsqueeze(1)
    return tuple(sorted(panel.name(int(wanted[i]), c, h) for i, c, h in missed.nonzero().tolist()))


def skipped_note(forecast: Forecast, context_length: int) -> Note | None:
    """A note that names the series without a forecast; None where there are none.

    context_length: steps, of the network that made the forecast.
    """
    if not forecast.skipped:
        return None
    names = ", ".join(forecast.skipped[:5]) + (", ..." if len(forecast.skipped) > 5 else "")
    text = (
        f"{len(forecast.skipped)} series not forecast, with no observed value in the last "
        f"{context_length} steps: {names}"
    )
    return Note(NoteKind.SERIES_LEFT_OUT, text, forecast.skipped)
