"""Sums of forecasts: groups, common steps, tables and files."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tests.helpers.frames import stations
from tests.helpers.sums import GRID, dependence_of, normal_forecast, normal_scores, shops
from tsconv.config.compose import forecast_config
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.data.reading.table import Table, target_decimals
from tsconv.errors import ConfigError, DataError
from tsconv.forecasting.file_columns import FileColumns, columns_of_frame
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.sums.groups import Aggregate, parse_aggregates
from tsconv.forecasting.sums.paths import SamplePaths, sample_paths
from tsconv.forecasting.sums.tables import SumForm, aggregates_of, sum_frames
from tsconv.forecasting.sums.write import (
    check_samples,
    check_sum_files,
    sample_frames,
    write_samples,
    write_sums,
)

HORIZON = 4


@dataclasses.dataclass
class Case:
    """A table, its panel, a forecast made by hand, and the names of the file."""

    table: Table
    panel: Panel
    forecast: Forecast
    columns: FileColumns

    def paths(self, correlation: float | None = None, **how: object) -> SamplePaths:
        dependence = None
        if correlation is not None:
            count = len(self.panel)
            dependence = dependence_of(normal_scores(400, count, HORIZON, 0.0, correlation))
        return sample_paths(  # type: ignore[call-arg]
            self.forecast, self.panel, GRID, dependence, self.panel.ids, **how
        )

    def frames(
        self, names: object, paths: SamplePaths | None = None, **form: object
    ) -> dict[str, pd.DataFrame]:
        found = aggregates_of(names, self.panel, self.table, self.columns)
        return self._frames(found, paths, **form)[0]

    def notes(self, names: object) -> list[str]:
        found = aggregates_of(names, self.panel, self.table, self.columns)
        return [str(note) for note in self._frames(found, None)[1]]

    def _frames(
        self, found: tuple[Aggregate, ...], paths: SamplePaths | None, **form: object
    ) -> tuple[dict[str, pd.DataFrame], tuple[object, ...]]:
        shown = SumForm(target_decimals(self.table), file_columns=self.columns, **form)  # type: ignore[arg-type]
        return sum_frames(paths or self.paths(), self.panel, self.table, found, shown)


def case(frame: pd.DataFrame, std: float = 1.0, mean: Tensor | float = 0.0, **data: object) -> Case:
    roles = DataConfig(**data)  # type: ignore[arg-type]
    table = table_from_frame(frame, roles)
    panel = build_panel(table)
    forecast = normal_forecast(panel, HORIZON, std, mean)
    return Case(table, panel, forecast, columns_of_frame(frame, roles))


@pytest.fixture(scope="module")
def sales() -> Case:
    mean = torch.arange(4.0).view(4, 1, 1, 1, 1) + torch.arange(4.0).view(4, 1)  # + step
    frame = shops((40, 40, 40, 40)).assign(kind=lambda f: f["shop"].map({0: "a", 3: "a"}))
    static = {"static_covariates": ["kind"], "categories": ["kind"]}
    return case(frame, 2.0, mean, id=["region", "shop"], target="y", **static)


def test_sums_have_the_keys_and_times_of_the_file(sales: Case) -> None:
    frames = sales.frames(["total", "region", "shop+horizon", "horizon", "total+horizon"])
    times = pd.date_range("2024-02-10", periods=4)
    total = frames["total"]
    assert list(total) == ["ds", "tsconv", "tsconv-lo-80", "tsconv-hi-80"]
    assert list(total["ds"]) == list(times)
    region = frames["region"]
    assert list(region)[:2] == ["region", "ds"]
    assert region["region"].tolist() == ["north"] * 4 + ["south"] * 4
    shop = frames["shop+horizon"]
    assert shop["shop"].tolist() == [0, 1, 2, 3]  # integers, as in the file
    assert set(shop["ds"]) == {times[-1]}
    assert list(frames["horizon"])[:3] == ["region", "shop", "ds"]
    assert len(frames["horizon"]) == 4
    assert len(frames["total+horizon"]) == 1


def test_sums_are_those_of_the_forecasts(sales: Case) -> None:
    """Independent normal forecasts: means add up, variances too."""
    frames = sales.frames(
        ["total", "region", "total+horizon"], sales.paths(n=2000), levels=(80, 50)
    )
    total = frames["total"]
    assert list(total)[1:] == [
        "tsconv", "tsconv-lo-80", "tsconv-hi-80", "tsconv-lo-50", "tsconv-hi-50",
    ]  # fmt: skip
    assert np.allclose(total["tsconv"], 6 + 4 * np.arange(4), atol=0.4)
    width = total["tsconv-hi-80"] - total["tsconv-lo-80"]
    assert np.allclose(width, 2 * 1.2816 * 4, rtol=0.06)  # std 2 of four series: 4
    assert np.allclose(frames["region"]["tsconv"][:4], 2 + 2 * np.arange(4), atol=0.3)
    whole = frames["total+horizon"].iloc[0]
    assert abs(whole["tsconv"] - 48) < 1
    assert abs((whole["tsconv-hi-80"] - whole["tsconv-lo-80"]) / (2 * 1.2816 * 8) - 1) < 0.06


def test_dependent_series_have_wider_sums(sales: Case) -> None:
    total = sales.frames("total", sales.paths(0.9, n=1000))["total"]
    wanted = 2 * 1.2816 * 2 * math.sqrt(4 + 12 * 0.9)
    assert np.allclose(total["tsconv-hi-80"] - total["tsconv-lo-80"], wanted, rtol=0.06)


def test_one_step_of_one_series_is_its_forecast(sales: Case) -> None:
    shop = sales.frames("shop")["shop"].sort_values(["shop", "ds"])
    values = sales.forecast.values[:, 0, 0]
    for name, q in (("tsconv", 0.5), ("tsconv-lo-80", 0.1), ("tsconv-hi-80", 0.9)):
        wanted = values[..., GRID.index(q)].flatten().numpy()
        assert np.allclose(shop[name], wanted, atol=0.011)  # rounded to two decimals


def test_a_mean_can_be_the_point(sales: Case) -> None:
    skewed = dataclasses.replace(sales.forecast, values=sales.forecast.values.exp())
    paths = dataclasses.replace(sales.paths(n=500), forecast=skewed)
    median = sales.frames("horizon", paths)["horizon"]["tsconv"]
    mean = sales.frames("horizon", paths, point="mean")["horizon"]["tsconv"]
    drawn = paths.of(torch.arange(4))[:, 0, 0].sum(1)
    assert np.allclose(mean, drawn.mean(-1), rtol=1e-6, atol=0.01)
    assert (mean > 1.2 * median).all()
    with pytest.raises(ConfigError, match=r"`point` \(=men\).*did you mean `mean`"):
        sales.frames("horizon", paths, point="men")


def test_static_covariates_group_series(sales: Case) -> None:
    frame = sales.frames("kind+horizon")["kind+horizon"]
    assert frame["kind"].tolist() == ["a", ""]
    assert np.allclose(frame["tsconv"], [4 * 3 + 12, 4 * 3 + 12], atol=2)
    both = sales.frames("region+kind")["region+kind"]
    assert len(both) == 16
    assert list(both)[:2] == ["region", "kind"]


def test_series_that_end_a_little_earlier_are_summed_by_time() -> None:
    frame = shops((40, 40, 40))
    frame = frame[~((frame["shop"] == 1) & (frame["ds"] >= "2024-02-09"))]  # a day behind
    step = torch.tensor([10.0, 20, 30, 40]).view(4, 1)
    some = case(frame, 0.001, step, id="shop", target="y")
    total = some.frames("total")["total"]
    assert list(total["ds"]) == list(pd.date_range("2024-02-10", periods=3))
    assert np.allclose(total["tsconv"], [10 + 20 + 10, 20 + 30 + 20, 30 + 40 + 30], atol=0.1)
    over = some.frames("total+horizon")["total+horizon"]
    assert over["ds"].tolist() == [pd.Timestamp("2024-02-12")]
    assert np.allclose(over["tsconv"], 40 + 70 + 100, atol=0.2)
    assert some.notes("total") == [
        "`aggregate` (=total): 1 of 1 sums cover fewer than 4 steps, those that all of their "
        "series have, since the last observed values lie at different times"
    ]
    own = some.frames("horizon")["horizon"]
    assert np.allclose(own["tsconv"], 100, atol=0.1)
    assert own["ds"].nunique() == 2


def test_series_that_ended_long_ago_are_in_no_sum() -> None:
    frame = shops((40, 40, 40))
    frame = frame[~((frame["shop"] == 1) & (frame["ds"] >= "2024-02-05"))]
    some = case(frame, 0.001, 10.0, id="shop", target="y")
    total = some.frames("total")["total"]
    assert len(total) == 4
    assert np.allclose(total["tsconv"], 20, atol=0.1)
    (note,) = some.notes("total")
    assert "1 series in no sum" in note
    assert "`1`" in note


def test_series_without_a_forecast_are_named(sales: Case) -> None:
    kept = torch.tensor([0, 1, 3])
    forecast = dataclasses.replace(
        sales.forecast,
        values=sales.forecast.values[kept],
        has_forecast=sales.forecast.has_forecast[kept],
        series=kept,
        origin=sales.forecast.origin[kept],
        skipped=("north/2",),
    )
    some = dataclasses.replace(sales, forecast=forecast)
    region = some.frames("region+horizon")["region+horizon"]
    assert np.allclose(region["tsconv"], [6, 4 * 4 + 12], atol=2)
    assert some.notes("region") == ["sums lack 1 series without a forecast: `north/2`"]


def test_rows_and_channels_are_kept_apart_unless_they_are_summed() -> None:
    frame = stations(40)
    roles = {"id": None, "row": "place", "target": ["no2", "o3"]}
    mean = torch.tensor([1.0, 100.0]).view(1, 2, 1, 1, 1) * torch.tensor([1.0, 2, 3]).view(3, 1, 1)
    some = case(frame, 0.01, mean, **roles)
    has = some.forecast.has_forecast.clone()
    has[0, 1, 2] = False  # no ozone in the west
    values = some.forecast.values.clone()
    values[~has] = math.nan
    some.forecast = dataclasses.replace(some.forecast, values=values, has_forecast=has)
    total = some.frames("total+horizon")["total+horizon"]
    assert list(total)[:3] == ["channel", "ds", "tsconv"]
    assert total["channel"].tolist() == ["no2", "o3"]
    assert np.allclose(total["tsconv"], [24, 1200], rtol=0.01)
    place = some.frames("place+horizon")["place+horizon"]
    assert place[["place", "channel"]].to_numpy().tolist() == [
        ["north", "no2"], ["north", "o3"], ["south", "no2"], ["south", "o3"], ["west", "no2"],
    ]  # fmt: skip
    assert np.allclose(place["tsconv"], [4, 400, 8, 800, 12], rtol=0.01)


def test_blocks_change_nothing(sales: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["region", "shop+horizon", "total"]
    frames = sales.frames(names, sales.paths(0.5))
    monkeypatch.setattr("tsconv.forecasting.sums.paths._VALUES_AT_ONCE", 1)
    monkeypatch.setattr("tsconv.forecasting.sums.add.add_groups.__defaults__", (1,))
    again = sales.frames(names, sales.paths(0.5))
    for name in names:
        pd.testing.assert_frame_equal(frames[name], again[name], check_exact=True)


def test_sums_of_counts_are_whole() -> None:
    frame = shops((40, 40)).assign(y=lambda f: f["y"].round())
    some = case(frame, 3.0, 1.0, id="shop", target="y")
    paths = some.paths(whole=True, limit=lambda values, _: values.clamp_min(0))
    found = some.frames("total+horizon", paths)["total+horizon"]
    assert (found.iloc[:, 1:] == found.iloc[:, 1:].round()).all(axis=None)
    assert float(found["tsconv"].iloc[0]) > 9  # without the bound: 8


def test_tables_of_other_programs_have_their_names(sales: Case) -> None:
    frames = sum_frames(
        sales.paths(),
        sales.panel,
        sales.table,
        aggregates_of(["horizon", "region"], sales.panel, sales.table, None),
        SumForm(target_decimals(sales.table)),
    )[0]
    assert list(frames["horizon"])[:2] == ["unique_id", "ds"]
    assert frames["horizon"]["unique_id"].tolist()[0] == "north/0"
    assert list(frames["region"])[:2] == ["region", "ds"]


def test_files_lie_beside_the_forecast(sales: Case, tmp_path: Path) -> None:
    output = tmp_path / "next.csv"
    found = aggregates_of(["region", "total+horizon"], sales.panel, sales.table, sales.columns)
    form = SumForm(target_decimals(sales.table), file_columns=sales.columns)
    paths = sales.paths(0.5, n=20)
    assert write_sums(paths, sales.panel, sales.table, found, form, output) == ()
    region = pd.read_csv(tmp_path / "next_region.csv")
    assert list(region) == ["region", "ds", "tsconv", "tsconv-lo-80", "tsconv-hi-80"]
    assert len(pd.read_csv(tmp_path / "next_total_horizon.csv")) == 1
    written = write_samples(paths, sales.panel, form.decimals, sales.columns, output)
    samples = pd.read_parquet(written)
    assert written.name == "next_samples.parquet"
    assert list(samples) == ["region", "shop", "ds", "sample", "tsconv"]
    assert len(samples) == 4 * HORIZON * 20
    check_sum_files(output, found, True, [], overwrite=False)  # they are ours
    drawn = paths.of(torch.arange(4))[:, 0, 0].flatten().numpy()
    assert np.allclose(samples["tsconv"], drawn, atol=0.0051)
    by_time = samples.groupby(["region", "ds", "sample"], sort=False)["tsconv"].sum()
    medians = by_time.groupby(level=[0, 1], sort=False).median()
    assert np.allclose(medians, region["tsconv"], atol=0.03)


def test_samples_come_in_blocks_of_one_kind(
    sales: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decimals = target_decimals(sales.table)
    whole = pd.concat(sample_frames(sales.paths(n=5), sales.panel, decimals))
    monkeypatch.setattr("tsconv.forecasting.sums.paths._VALUES_AT_ONCE", 1)
    file = write_samples(sales.paths(n=5), sales.panel, decimals, None, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(file), whole, check_dtype=False)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("regoin", r"`regoin` must be one of total, horizon, region, shop \(did you mean `region`"),
        (["shop", "shop"], "two sums would be written to the file of shop: name it once"),
        ("region+region", "names `region` twice"),
        ("region+total", "`total` sums over all series"),
        ([], "`aggregate` is empty"),
    ],
)
def test_wrong_names_are_refused(value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_aggregates(value, ["region", "shop"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("samples=1", r"`samples` \(=1\) must be an integer from 2 to 100,000"),
        ("seed=-1", r"`seed` \(=-1\) must be an integer of at least 0"),
        ("aggregate=total shards=2", "`aggregate` and `shards` exclude each other"),
        ("samples=20 shards=2", "`samples` and `shards` exclude each other"),
        ("samples=20 template=a.csv", "`samples` and `template` exclude each other"),
    ],
)
def test_wrong_keys_are_refused(override: str, message: str) -> None:
    config = forecast_config(["bundle=b", "data.path=a.csv", *override.split()])
    with pytest.raises(ConfigError, match=message):
        check_samples(config)


def test_the_number_of_samples_has_a_default() -> None:
    config = forecast_config(["bundle=b", "data.path=a.csv", "aggregate=[total,region+horizon]"])
    assert check_samples(config) == 200
    assert check_samples(dataclasses.replace(config, samples=50)) == 50


def test_files_of_others_are_left(sales: Case, tmp_path: Path) -> None:
    (tmp_path / "next_region.csv").write_text("a,b\n1,2\n")
    found = parse_aggregates(["region"], ["region"])
    with pytest.raises(ConfigError, match=r"`aggregate` \(=.*next_region.csv\) exists and is not"):
        check_sum_files(tmp_path / "next.csv", found, False, [], overwrite=False)
    samples = parse_aggregates("samples", ["samples"])
    with pytest.raises(ConfigError, match="file of `samples`"):
        check_sum_files(tmp_path / "next.parquet", samples, True, [], overwrite=False)


def test_columns_with_our_names_are_refused(sales: Case) -> None:
    frame = shops((40, 40)).rename(columns={"region": "tsconv"})
    some = case(frame, id=["tsconv", "shop"], target="y")
    with pytest.raises(ConfigError, match="`tsconv` is a column of the file and one of"):
        some.frames("tsconv")


def test_series_without_a_common_step_have_no_sum() -> None:
    some = case(shops((40, 40, 40, 40)), id="shop", target="y")
    assert len(some.frames("total")["total"]) == HORIZON

    def ended(*back: int) -> Case:
        origin = some.forecast.origin - torch.tensor(back)
        return dataclasses.replace(some, forecast=dataclasses.replace(some.forecast, origin=origin))

    found = ended(2, 2, 1, 3).frames("total")["total"]
    assert list(found["ds"]) == list(pd.date_range("2024-02-09", periods=2))
    with pytest.raises(DataError, match="no step in common"):
        ended(2, 2, 0, 4).frames("total")
