"""Whether a backtest's figures beat the rival by more than chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from tsconv.backtest.backtest import Backtest
from tsconv.evaluation.significance import Comparison, compare, compare_many, overlap_of

Array = npt.NDArray[np.float64]


def chance_against(backtest: Backtest, key: str) -> Comparison | None:
    """Test the network against one of the baselines, over the origins that are judged.

    The errors of all series at one date are averaged first, in units of each series' spread, so
    that their dependence on each other is reckoned with. None where there are too few origins for
    the horizon to say.
    """
    steps, origins = backtest.judged.steps, backtest.judged.origins
    differential = steps.mean_differentials()[key].numpy()
    overlap = overlap_of(backtest.horizon, origins.stride)
    return compare(differential, overlap, steps.pairs.numpy())


def chance_figures(found: Comparison | None) -> dict[str, float | int] | None:
    """What metrics.json says of a comparison; None where there is no statement."""
    return None if found is None else {"p_value": found.p_value, "n_dates": found.n}


def p_values_by_step(backtest: Backtest) -> Array:
    """(horizon,) the same for each step of the horizon against the rival; NaN for no statement."""
    steps, origins = backtest.judged.steps, backtest.judged.origins
    unknown = np.full(backtest.horizon, np.nan)
    mean, pairs = steps.mean_differential_by_step(), steps.pairs_by_step
    if mean is None or pairs is None:
        return unknown
    # Step j of one origin is step j - 1 of the next: errors share shocks over j steps.
    overlap = overlap_of(backtest.horizon, origins.stride)
    weights = pairs.T.double().numpy()
    return compare_many(mean.double().numpy(), overlap, weights).p_value


def p_values_by_series(backtest: Backtest) -> Array:
    """(S, T, H) the same for each series, target and row against the rival."""
    part, panel = backtest.judged, backtest.panel
    shape = tuple(part.ours.scored.shape)
    out = np.full(shape, np.nan)
    if backtest.rival is None:
        return out
    further = part.steps.by_origin["ours"] - part.steps.by_origin["rival"]  # (N, T, H)
    overlap = overlap_of(backtest.horizon, part.origins.stride)
    lengths, indptr = panel.lengths.cpu(), panel.indptr.cpu()
    scored = part.ours.scored.flatten(1).any(1)
    # Series of one length are tested in one product.
    for length in torch.unique(lengths[scored]).tolist():
        some = torch.nonzero(scored & (lengths == length)).flatten()
        at = indptr[some][:, None] + torch.arange(length)
        rows = further[at].movedim(1, -1).flatten(0, 2).double().numpy()  # (k * T * H, length)
        out[some.numpy()] = compare_many(rows, overlap).p_value.reshape(len(some), *shape[1:])
    return out
