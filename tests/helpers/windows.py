"""Small panels with holes, and their windows by plain loops."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tests.helpers.panels import panel_of
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.nn.scaling import causal_scale_reference

QUANTILES = (0.1, 0.5, 0.9)


def holed_panel(
    lengths: tuple[int, ...] = (60, 45), rows: int = 1, targets: int = 1, missing: float = 0.1
) -> Panel:
    """Random walks with holes; every series, row and target has values of its own."""
    rng = np.random.default_rng(0)
    parts = []
    for i, n in enumerate(lengths):
        for h in range(rows):
            walk = rng.normal(size=(n, targets)).cumsum(0) * (1 + i + h) + 50
            walk[rng.random((n, targets)) < missing] = np.nan
            frame = pd.DataFrame(walk, columns=[f"y{c}" for c in range(targets)])
            days = pd.date_range("2024-01-01", periods=n, freq="D")
            parts.append(frame.assign(unique_id=f"s{i}", ds=days, place=f"p{h}"))
    frame = pd.concat(parts, ignore_index=True)
    row = {} if rows == 1 else {"row": "place"}
    names = [f"y{c}" for c in range(targets)]
    if rows == 1:
        frame = frame.drop(columns="place")
    return panel_of(frame, "D", target=names, **row)


def net_for(panel: Panel, **settings: object) -> ForecastNet:
    """The linear branch alone, for the series, rows and targets of a panel."""
    defaults: dict[str, object] = {
        "horizon": 3,
        "context_length": 8,
        "hidden": 1,
        "levels": 1,
        "stack": False,
        "n_targets": len(panel.targets),
        "quantiles": QUANTILES,
    }
    return ForecastNet(NetSpec(**{**defaults, **settings})).eval()  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class Window:
    """One origin of one series, target and row, as the loss sees it."""

    place: tuple[int, int, int]
    u: Tensor  # (K,)
    r: Tensor  # (horizon,)
    seen: Tensor  # (horizon,) bool


def windows_by_loop(
    panel: Panel, part: OriginRange, size: int, horizon: int, inv_scale: Tensor | None
) -> list[Window]:
    """Every origin's equation, one at a time."""
    out = []
    for s in range(len(panel)):
        values = panel.values[panel.indptr[s] : panel.indptr[s + 1]]  # (L, C, H)
        for c in range(len(panel.targets)):
            for h in range(panel.n_rows):
                y = values[:, c, h] - panel.offset[s, c, h]
                mask = (~y.isnan()).double()
                y = torch.where(mask > 0, y, 0)
                scale = causal_scale_reference(y[None], mask[None], size)
                for t in range(int(part.first[s]), int(part.last[s]) + 1):
                    inverse = scale.inverse[0, t]
                    per = inverse if inv_scale is None else inv_scale[s, c, h]
                    if scale.n_observed[0, t] == 0 or per == 0:
                        continue
                    u, r = torch.zeros(size).double(), torch.zeros(horizon).double()
                    seen = torch.zeros(horizon, dtype=torch.bool)
                    for k in range(size):
                        at = t - size + 1 + k
                        if at >= 0 and mask[at] > 0 and inverse > 0:
                            u[k] = (y[at] - scale.mu[0, t]) * per
                    for j in range(horizon):
                        at = t + 1 + j
                        if at < int(part.end[s]) and at < len(y) and mask[at] > 0:
                            r[j], seen[j] = (y[at] - scale.mu[0, t]) * per, True
                    if seen.any():
                        out.append(Window((s, c, h), u, r, seen))
    return out


def lstsq(windows: list[Window], penalty: float, towards: Tensor | None = None) -> Tensor:
    """(K, horizon) by numpy's least squares, with the penalty as further equations."""
    size, horizon = len(windows[0].u), len(windows[0].r)
    aim = torch.zeros(size, horizon).double() if towards is None else towards
    maps = []
    for j in range(horizon):
        some = [w for w in windows if w.seen[j]]
        u = np.stack([w.u.numpy() for w in some] + list(penalty**0.5 * np.eye(size)))
        r = np.array([float(w.r[j]) for w in some] + list(penalty**0.5 * aim[:, j].numpy()))
        maps.append(np.linalg.lstsq(u, r, rcond=None)[0])
    return torch.from_numpy(np.stack(maps, 1))


def penalty_of(windows: list[Window], strength: float) -> float:
    """What a strength means for these windows."""
    return strength * float(sum(w.u.square().mean() for w in windows))
