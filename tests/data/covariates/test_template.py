"""The file of future covariates to fill in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.future import AHEAD, DAYS, ENCODINGS, PAST, ROLES, merged
from tsconv.config.schema import DataConfig
from tsconv.data.covariates.future import require_future
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.future_file import read_future
from tsconv.data.reading.read import table_from_frame
from tsconv.data.settings import FileFormat
from tsconv.data.write import write_table


def test_the_template_is_what_is_required_and_can_be_read_back() -> None:
    alone = build_panel(table_from_frame(PAST, ROLES))
    template = template_frame(alone, ROLES, 2)
    assert template.columns.tolist() == ["ds", "unique_id", "event", "promo"]
    assert template["ds"].tolist() == [*DAYS[4:6], *DAYS[5:7]]
    assert template[["promo", "event"]].isna().all(axis=None)
    origins, notes = require_future(merged(template.assign(promo=1, event="fair")), ENCODINGS, 2, 9)
    assert (origins.tolist(), notes) == ([3, 2], [])


def test_what_is_known_already_stands_in_the_template() -> None:
    template = template_frame(merged(AHEAD[:4]), ROLES, 2)
    assert template["event"].tolist()[:3] == ["gala", "fair", "gala"]
    assert template["promo"].tolist()[:3] == [0, 1, 0]
    assert template.iloc[3, 2:].isna().all()


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (
            {"time": ["year", "month", "day"]},
            {"year": [2024, 2024], "month": [12, 1], "day": [31, 1]},
        ),
        ({"time_format": "%d.%m.%Y"}, {"ds": ["31.12.2024", "01.01.2025"]}),
        ({"time_unit": "D"}, {"ds": [20088, 20089]}),
    ],
)
def test_time_is_spelt_as_in_the_file(data: dict[str, Any], columns: dict[str, list]) -> None:
    columns = {k: [2024, 2025] if k == "year" else v for k, v in columns.items()}
    ds = pd.date_range("2024-12-25", periods=6, freq="D")
    frame = pd.DataFrame({"ds": ds, "y": np.arange(6.0), "promo": 0.0})
    roles = DataConfig(id=None, future_covariates="promo")
    panel = build_panel(table_from_frame(frame, roles))
    template = template_frame(panel, dataclasses.replace(roles, **data), 2)
    assert template.drop(columns="promo").to_dict("list") == columns


def test_the_template_is_written_as_the_file_is_spelt(tmp_path: Path) -> None:
    alone = build_panel(table_from_frame(PAST, ROLES))
    roles = dataclasses.replace(ROLES, sep=";", decimal=",", encoding="latin-1")
    template = template_frame(alone, roles, 2).assign(promo=1.5, event="Fete, ç")
    write_table(template, tmp_path / "t.csv", csv_format=FileFormat.of(roles))
    roles = dataclasses.replace(roles, path=None, future_path=str(tmp_path / "t.csv"))
    extra = read_future(roles)
    assert extra.future is not None
    assert extra.future.categories["event"] == ("Fete, ç",)
    assert set(extra.future.values[:, 0].tolist()) == {1.5}


def test_the_template_has_the_rows_of_a_family_and_a_zone() -> None:
    ds = pd.date_range("2024-03-30", periods=4, freq="12h", tz="Europe/Berlin")
    frame = pd.DataFrame(
        {"ds": [*ds, *ds], "at": list("nnnnssss"), "y": np.arange(8.0), "promo": 0.0}
    )
    roles = DataConfig(row="at", future_covariates="promo")
    template = template_frame(build_panel(table_from_frame(frame, roles)), roles, 1)
    assert template["at"].tolist() == ["n", "s"]
    assert template["ds"].tolist() == [ds[-1] + pd.Timedelta("12h")] * 2
    assert str(template["ds"].dt.tz) == "Europe/Berlin"
