"""Scoring on dense origins equals scoring each origin on its own."""

import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.panels import panel_of
from tsconv.data.batches.split import split_panel
from tsconv.evaluation.baselines import seasonal_naive_error
from tsconv.evaluation.scoring import evaluate, training_scale
from tsconv.forecasting.forecast import forecast_panel


def test_dense_scores_equal_a_loop_over_origins() -> None:
    panel = panel_of(daily_frame(3, 80).drop(index=[70, 71]))
    net = random_net()
    split = split_panel(panel, 5, 10, 12)
    assert split.test is not None
    scale = training_scale(panel, split.train_end, 7)
    ours, naive = evaluate(net, panel, split.test, scale, 7)
    absolute, count = 0.0, 0
    for s in range(3):
        for t in range(int(split.test.first[s]), int(split.test.last[s]) + 1):
            origins = torch.full((3,), -1)
            origins[s] = t
            out = forecast_panel(net.double(), panel, origins=origins).values[0, 0, 0, :, 0]
            observed = panel.series(s)[t + 1 : t + 6, 0, 0]
            seen = ~observed.isnan()
            absolute += float((out - observed)[seen].abs().sum())
            count += int(seen.sum())
    result = ours.result()
    assert result["n_origins"] == 3 * 8
    assert result["mae"] == pytest.approx(absolute / count, rel=1e-5)
    assert naive.result()["n_origins"] == 3 * 8


def test_a_constant_series_has_no_scale() -> None:
    frame = daily_frame(1, 40).assign(y=0.1)
    scale = training_scale(panel_of(frame), torch.tensor([30]), 7)
    assert scale.std.item() == 0


def test_scales_are_those_of_each_series_alone() -> None:
    frame = daily_frame(4, 60).drop(index=[70, 71])
    frame.loc[3:9, "y"] = None
    frame.loc[180:, "y"] = None  # the last series has no value
    frame = frame.drop(index=range(130, 180))  # and the third ten steps, fewer than two seasons
    panel = panel_of(frame)
    ends = torch.tensor([50, 40, 9, 60])
    scale = training_scale(panel, ends, 7)
    for s in range(4):
        column = panel.series(s)[: int(ends[s]), 0, 0]
        seen = column[~column.isnan()]
        found = (scale.mean[s], scale.std[s], scale.naive[s])
        spread = seen.std(correction=0) if len(seen) else torch.tensor(0.0)
        wanted = (seen.mean(), spread, seasonal_naive_error(column, 7))
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.item() == pytest.approx(theirs.nan_to_num(0).item(), rel=1e-12)
