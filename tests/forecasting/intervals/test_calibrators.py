"""Calibrated forecasts: alike however they are asked for, and blind to the future."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.helpers.backtests import QUANTILES, bundle_of, shops
from tests.helpers.networks import random_net
from tsconv.calibration.conformal import Calibration
from tsconv.calibration.dependence import Dependence
from tsconv.calibration.knots import scores_of
from tsconv.calibration.score_maps import LEVELS, ScoreMaps
from tsconv.config.schema import DataConfig
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.errors import ConfigError
from tsconv.evaluation.scoring import dense_forecasts
from tsconv.evaluation.training_ends import describe_ends
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle, save_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.limit_notes import limit_notes
from tsconv.forecasting.intervals.wanted import Wanted, quantiles_of, wanted_of

HORIZON = 3


def calibration(panel: Panel, kind: str) -> Calibration:
    """Twice as wide at the first step, and another width for each series."""
    plain = scores_of(LEVELS)
    wide = torch.tensor([2.0, 1.2, 0.7]).double()[:, None] * plain
    members = torch.linspace(0.8, 1.3, len(panel)).double()[:, None] * plain
    names = (panel.ids, panel.targets, panel.rows)
    return Calibration(kind, ScoreMaps(wide, members), *names, {"kind": kind})


def calibrated(kind: str, panel: Panel | None = None) -> tuple[Bundle, Panel]:
    panel = shops() if panel is None else panel
    net = random_net(horizon=HORIZON, quantiles=QUANTILES, context_length=8)
    bundle = bundle_of(net, panel, trained_until=describe_ends(panel, panel.lengths - 30))
    return dataclasses.replace(bundle, calibration=calibration(panel, kind)), panel


def values_at(bundle: Bundle, panel: Panel, origins: torch.Tensor) -> torch.Tensor:
    calibrator = bundle_calibrator(bundle, panel, Wanted(levels=(80.0, 95.0)))
    return forecast_panel(bundle.net, panel, origins=origins, calibrator=calibrator).values


@pytest.mark.parametrize("kind", ["split", "adaptive"])
def test_a_forecast_knows_nothing_after_its_origin(kind: str) -> None:
    """As if the file ended there, bit for bit: nothing later moves a width."""
    bundle, panel = calibrated(kind)
    for back in (1, 4, 11):
        ends = panel.lengths - back
        early = panel.head(int(panel.lengths.max()) - back)
        early = dataclasses.replace(early)
        cut = torch.minimum(early.lengths, panel.lengths)
        assert torch.equal(
            values_at(bundle, panel, cut - 1), values_at(bundle, early, early.lengths - 1)
        )
        assert (ends > 0).all()


@pytest.mark.parametrize("kind", ["split", "adaptive"])
def test_dense_forecasts_are_those_of_each_origin(kind: str) -> None:
    bundle, panel = calibrated(kind)
    calibrator = bundle_calibrator(bundle, panel)
    first = panel.lengths - 12
    origins = OriginRange(first, panel.lengths - HORIZON - 1, panel.lengths, stride=2)
    for found in dense_forecasts(bundle.net, panel, origins, calibrator=calibrator):
        offset = panel.offset[found.batch.series][:, :, :, None, None]
        for b, s in enumerate(found.batch.series.tolist()):
            for o in range(found.usable.shape[3]):
                if not bool(found.batch.valid[b, o * found.stride]):
                    continue
                at = torch.full_like(panel.lengths, -1)
                at[s] = found.batch.first[b] + o * found.stride
                one = forecast_panel(bundle.net, panel, origins=at, calibrator=calibrator)
                dense = torch.stack([v[b, :, :, o].double() for v in found.levels], -1)
                dense = dense + offset[b][:, :, 0].unsqueeze(-1)
                torch.testing.assert_close(dense, one.values[0], rtol=1e-9, atol=1e-9)


def test_widths_adapt_to_what_was_observed() -> None:
    """Other values move the widths of later origins, and those alone."""
    bundle, panel = calibrated("adaptive")
    start = int(panel.lengths.min()) - 15
    wild = panel.values.clone()
    for s in range(len(panel)):
        begin, end = int(panel.indptr[s]) + start, int(panel.indptr[s + 1])
        wild[begin:end] += 50 * torch.tensor([1.0, -1.0]).repeat(end)[: end - begin, None, None]
    other = dataclasses.replace(panel, values=wild)
    calm, moved = (bundle_calibrator(bundle, p).widths for p in (panel, other))
    assert calm is not None
    assert moved is not None
    for s in range(len(panel)):
        begin, end = int(panel.indptr[s]), int(panel.indptr[s + 1])
        assert torch.equal(calm.values[begin : begin + start], moved.values[begin : begin + start])
        assert (moved.values[end - 1] != calm.values[end - 1]).all()


def test_medians_stay_and_order_and_batches_change_nothing() -> None:
    bundle, panel = calibrated("split")
    calibrator = bundle_calibrator(bundle, panel)
    plain = forecast_panel(bundle.net, panel)
    whole = forecast_panel(bundle.net, panel, calibrator=calibrator)
    assert torch.equal(plain.values[..., 1], whole.values[..., 1])
    assert (plain.values[..., 0] != whole.values[..., 0]).any()
    alone = forecast_panel(bundle.net, panel, batch_size=1, calibrator=calibrator)
    torch.testing.assert_close(alone.values, whole.values, rtol=1e-9, atol=1e-9)


def test_a_bundle_keeps_its_calibration(tmp_path) -> None:  # type: ignore[no-untyped-def]
    bundle, panel = calibrated("adaptive")
    bundle.net.float()  # as a bundle has it
    assert bundle.calibration is not None
    pit = torch.randint(1, 256, (5, len(panel), 1, 1, HORIZON)).to(torch.uint8)
    kept = dataclasses.replace(
        bundle.calibration, dependence=Dependence(pit, torch.arange(len(panel)), 4)
    )
    save_bundle(dataclasses.replace(bundle, calibration=kept), tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    assert again.calibration is not None
    assert again.calibration.dependence is not None
    assert torch.equal(again.calibration.dependence.pit, pit)
    last = panel.lengths - 1
    assert torch.equal(values_at(again, panel, last), values_at(bundle, panel, last))
    (tmp_path / "bundle" / "calibration.safetensors").write_bytes(b"nothing")
    with pytest.raises(Exception, match="damaged"):
        load_bundle(tmp_path / "bundle")


def test_series_that_training_had_not_seen_have_the_map_of_all() -> None:
    bundle, panel = calibrated("split")
    other = dataclasses.replace(panel, ids=tuple(f"new {name}" for name in panel.ids))
    found = bundle_calibrator(bundle, other).scores
    assert found is not None
    assert torch.equal(found[0], found[1])
    own = bundle_calibrator(bundle, panel).scores
    assert own is not None
    assert not torch.equal(own[0], own[1])


def test_a_point_head_has_intervals_where_it_was_calibrated() -> None:
    panel = shops()
    net = random_net(horizon=HORIZON, quantiles=None, context_length=8)
    bundle = bundle_of(net, panel)
    with pytest.raises(ConfigError, match=r"`levels` .* point head without calibration"):
        bundle_calibrator(bundle, panel, Wanted(levels=(80.0,)))
    bundle = dataclasses.replace(bundle, calibration=calibration(panel, "split"))
    calibrator = bundle_calibrator(bundle, panel, Wanted(levels=(80.0,)))
    values = forecast_panel(bundle.net, panel, calibrator=calibrator).values
    plain = forecast_panel(bundle.net, panel).values
    assert torch.equal(values[..., 1], plain[..., 0])
    assert (values[..., 0] < values[..., 1]).all()


@pytest.mark.parametrize("kind", ["split", "adaptive"])
def test_a_distribution_is_calibrated_by_levels_that_it_is_asked_for(kind: str) -> None:
    panel = shops()
    net = random_net(horizon=HORIZON, quantiles=QUANTILES, context_length=8, head="student_t")
    ends = describe_ends(panel, panel.lengths - 30)
    bundle = bundle_of(net, panel, trained_until=ends)
    bundle = dataclasses.replace(bundle, calibration=calibration(panel, kind))
    values = values_at(bundle, panel, panel.lengths - 1)
    assert values.isfinite().all()
    assert (values.diff(dim=-1) >= 0).all()
    median = forecast_panel(net, panel, origins=panel.lengths - 1).values[..., 1]
    assert torch.equal(values[..., 2], median)


def test_bounds_hold_after_rounding_and_are_told() -> None:
    bundle, panel = calibrated("split")
    roles = DataConfig(lower=float(panel.values.nanmedian()) + 0.123456)
    calibrator = bundle_calibrator(bundle, panel, Wanted(roles=roles, given=("lower",)))
    forecast = forecast_panel(bundle.net, panel, calibrator=calibrator)
    frame = forecast_frame(forecast, panel, limits=calibrator.value_range)
    ours = frame.filter(like="tsconv")
    assert (ours.to_numpy() >= float(roles.lower)).all()
    (note,) = limit_notes(forecast, panel, calibrator.value_range, roles)
    count = int((forecast.unlimited < float(roles.lower)).sum())
    assert f"{count:,} of {forecast.unlimited.numel():,} forecast values" in str(note)


@pytest.mark.parametrize(
    ("levels", "text"),
    [([], r"\[\]"), (0, "0"), ([50, 100], "100"), (["a"], "a"), (True, "True"), (np.nan, "nan")],
)
def test_levels_that_are_none(levels: object, text: str) -> None:
    with pytest.raises(ConfigError, match=f"`levels` .*{text}"):
        wanted_of(levels, None, None)


def test_other_wishes_that_cannot_be() -> None:
    bundle, panel = calibrated("split")
    bundle = dataclasses.replace(bundle, calibration=None)
    with pytest.raises(ConfigError, match=r"`conformal` \(=split\) needs a bundle"):
        bundle_calibrator(bundle, panel, Wanted(conformal="split"))
    with pytest.raises(ConfigError, match="`conformal`"):
        wanted_of(None, "auto", None)
    with pytest.raises(ConfigError, match="`components`"):
        wanted_of(None, None, "mean", components=True)
    assert quantiles_of((50, 80)) == (0.1, 0.25, 0.5, 0.75, 0.9)
