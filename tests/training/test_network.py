"""From a config to a network's spec: what differs by row or series, and how large it may be."""

import dataclasses

import pytest

from tests.helpers.frames import daily_frame, stations
from tsconv.config.compose import train_config
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.training.network import count_parameters, require_size
from tsconv.training.prepare import check_config, prepare

ROWS = ("data.id=null", "data.row=place", "data.target=no2")


def spec_of(*overrides: str, rows: bool = False) -> NetSpec:
    config = train_config(["horizon=7", "data.path=x", *overrides, *(ROWS if rows else ())])
    frame = stations() if rows else daily_frame()
    panel: Panel = build_panel(table_from_frame(frame, config.data))
    return prepare(config, panel).net.spec


@pytest.mark.parametrize(
    ("overrides", "rows", "expected"),
    [
        ((), False, ("shared", "shared", None, None, None)),
        (("model.series=pooled",), False, ("shared", "pooled", None, None, 3)),
        (("model.maps=separate",), False, ("shared", "shared", "separate", None, 3)),
        (("model.maps=shared",), False, ("shared", "shared", "shared", None, None)),
        (("model.maps=pooled",), True, ("shared", "shared", "pooled", 3, None)),
        (("model.rows=pooled", "model.maps=shared"), True, ("pooled", "shared", "shared", 3, None)),
    ],
)
def test_the_spec_has_the_members_that_differ(
    overrides: tuple[str, ...], rows: bool, expected: tuple[object, ...]
) -> None:
    spec = spec_of(*overrides, rows=rows)
    assert (spec.rows, spec.series, spec.maps, spec.n_rows, spec.n_series) == expected


def test_series_with_rows_are_pointed_to_rows() -> None:
    with pytest.raises(ConfigError, match=r"the data have rows: use `model.rows=pooled`"):
        spec_of("model.series=pooled", rows=True)


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (("model.series=sepparate",), r"`model.series` \(=sepparate\).*did you mean `separate`"),
        (("model.maps=own",), r"`model.maps` \(=own\) must be one of"),
        (("model.maps=pooled", "model.linear=false"), "needs the linear branch: set"),
    ],
)
def test_wrong_choices_are_refused_before_the_file_is_read(
    overrides: tuple[str, ...], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        check_config(train_config(["horizon=7", "data.path=x", *overrides]))


@pytest.mark.parametrize(
    "by", [{"rows": "pooled"}, {"series": "separate"}, {"maps": "pooled"}, {"maps": None}]
)
def test_parameters_are_counted_without_building_them(by: dict[str, str]) -> None:
    sizes = {"n_rows": 5} if "rows" in by else {"n_series": 5}
    spec = NetSpec(3, 9, hidden=4, levels=2, n_targets=2, quantiles=(0.1, 0.5), **by, **sizes)
    assert count_parameters(spec) == sum(p.numel() for p in ForecastNet(spec).parameters())


def test_filters_of_ten_thousand_series_are_refused_and_their_maps_taken() -> None:
    maps = NetSpec(14, 56, hidden=64, levels=4, n_targets=1, maps="pooled", n_series=10_000)
    require_size(maps)
    filters = dataclasses.replace(maps, series="pooled", maps=None)
    with pytest.raises(ConfigError, match=r"`model.series=pooled` with 10,000 series .*: let the"):
        require_size(filters)
