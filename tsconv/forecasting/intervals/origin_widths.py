"""Adaptive widths of every origin of a panel, from what was observed until then."""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.calibration.adaptive_widths import (
    adaptive_widths,
    at_observed_times,
    distance_ratios,
    steps_looked_at,
)
from tsconv.calibration.calibrator import Calibrator, OriginWidths
from tsconv.calibration.choose import ADAPTIVE_LEVELS, beyond_shares
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.scoring import DenseForecasts, dense_forecasts
from tsconv.model.ensemble import Network

_VALUES_AT_ONCE = 20_000_000  # ratios that are held; bounds memory, not results
_MIDDLE = ADAPTIVE_LEVELS.index(0.5)


def origin_widths(
    net: Network,
    panel: Panel,
    calibrator: Calibrator,
    begin: Tensor,
    row_index: Tensor | None = None,
) -> OriginWidths:
    """Run the forecasts of every origin past what was observed, and adapt the widths.

    calibrator: of the panel, without widths, for `ADAPTIVE_LEVELS`. begin: (S,) the first origin of
    each series whose forecasts count; until the first of them is observed, widths stay as they are.
    row_index: as `forecast_panel` takes it.
    """
    lengths = panel.lengths.cpu()
    first = torch.minimum(begin.cpu().clamp_min(0), lengths)
    spans = (lengths - first).clamp_min(0)
    shape = (len(panel.targets), panel.n_rows, 2)
    values = torch.zeros(int(lengths.sum()), *shape)
    steps = steps_looked_at(net.spec.horizon)
    of_step = shape[0] * shape[1] * 2 * len(steps) * _MIDDLE
    indptr = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    for series in _groups(spans, _VALUES_AT_ONCE // of_step):
        width = int(spans[series].max())
        ratios = torch.full((len(series), *shape, width, len(steps), _MIDDLE), torch.nan)
        last = torch.full_like(lengths, -1)
        last[series] = lengths[series] - 2  # what comes after has nothing observed behind it
        origins = OriginRange(first, last, lengths)
        place = {int(s): i for i, s in enumerate(series)}
        for found in dense_forecasts(
            net, panel, origins, row_index=row_index, calibrator=calibrator
        ):
            _keep(ratios, found, steps, first, place)
        seen = at_observed_times(ratios, steps)  # (G, T, H, 2, W, N, J)
        found_widths = adaptive_widths(seen.flatten(0, 2), beyond_shares(ADAPTIVE_LEVELS))
        found_widths = torch.unflatten(found_widths, 0, seen.shape[:3])  # (G, T, H, 2, W)
        for i, s in enumerate(series.tolist()):
            at = int(indptr[s] + first[s])
            values[at : at + int(spans[s])] = found_widths[i, ..., : int(spans[s])].movedim(-1, 0)
    return OriginWidths(values, indptr)


def _groups(spans: Tensor, most: int) -> list[Tensor]:
    """Numbers of series that follow each other, of at most so many steps together, padded."""
    out: list[list[int]] = []
    longest = 0
    for s, span in enumerate(spans.tolist()):
        if span < 2:
            continue
        longest = max(longest, span)
        if not out or longest * (len(out[-1]) + 1) > most:
            out.append([])
            longest = span
        out[-1].append(s)
    return [torch.tensor(group) for group in out]


def _keep(
    ratios: Tensor, found: DenseForecasts, steps: Tensor, first: Tensor, place: dict[int, int]
) -> None:
    """Put the ratios of a batch at the steps of its origins."""
    values = torch.where(found.observed.mask, found.observed.values, torch.nan)[..., steps]
    median = found.levels[_MIDDLE][..., steps].double()  # (B, T, H, O, N)
    halves = []
    for side in (found.levels[:_MIDDLE], found.levels[_MIDDLE + 1 :]):
        levels = torch.stack([v[..., steps].double() for v in side], -1)
        halves.append(distance_ratios(values, levels, median).float())
    both = torch.stack(halves, 3).cpu()  # (B, T, H, 2, O, N, J)
    width, n_origins = ratios.shape[4], both.shape[4]
    for b, s in enumerate(found.batch.series.tolist()):
        at = int(found.batch.first[b]) - int(first[s])
        end = min(width, at + n_origins)
        ratios[place[s], ..., at:end, :, :] = both[b, ..., : end - at, :, :]


def widths_from(trained_until: Tensor, fallback: Tensor) -> Tensor:
    """(S,) the first origins that widths adapt by: those after the training part.

    trained_until: (S,) steps, 0 for a series that the training did not have; of these, fallback.

    >>> widths_from(torch.tensor([100, 0]), torch.tensor([30, 30])).tolist()
    [99, 30]
    """
    return torch.where(trained_until > 0, trained_until - 1, fallback)
