"""Whatever the file holds, a check ends in a report or in one of our errors."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tsconv.check.check_file import check_file
from tsconv.check.training_preview import TrainingPreview
from tsconv.config.compose import CheckPlan, train_config
from tsconv.errors import TsconvError

CELLS = st.sampled_from(
    ["", "NA", "0", "1", "2.5", "-9999", "1,5", "x", "é", " ", "1e400", "inf", "a b", '"', "007",
     "2024-01-01", "2024-01-02 00:00", "2024-01-03T00:00:00+02:00", "31.12.2023", "01/02/2024",
     "1700000000", "20240101", "24:00", "true", "\t", "2024", "12"]
)  # fmt: skip
HEADERS = st.sampled_from(
    ["unique_id", "ds", "y", "id", "date", "value", "year", "month", "day", "", "a;b", "y.1", "x"]
)
BASE = train_config(["horizon=2"])
NO_TRAINING = TrainingPreview(None, None, {}, None)


def look(path: Path, content: bytes, training: bool = False, **roles: Any) -> None:
    """Check a file; the preview of a training, which takes long, only where asked for."""
    path.write_bytes(content)
    data = dataclasses.replace(BASE.data, path=str(path), **roles)
    base = dataclasses.replace(BASE, data=data)
    plan = CheckPlan(base, None, None)
    with pytest.MonkeyPatch.context() as patch:
        if not training:
            patch.setattr("tsconv.check.panel_check.preview_training", lambda *_: NO_TRAINING)
        try:
            report, _ = check_file(plan, [f"data.path={path}"])
        except TsconvError:
            return
    last = report.text().splitlines()[-1]
    assert last == (report.train or last)
    assert report.train is None or last.startswith("tsconv train")
    assert report.train or report.obstacle
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(st.binary(max_size=300))
@settings(max_examples=examples(60))
def test_any_bytes(folder: Path, content: bytes) -> None:
    look(folder / "bytes.csv", content, training=True)


@given(
    st.lists(HEADERS, min_size=1, max_size=5),
    st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=12),
    st.sampled_from([",", ";", "\t"]),
)
@settings(max_examples=examples(150))
def test_any_cells(folder: Path, names: list, rows: list, sep: str) -> None:
    text = "\n".join(sep.join(row) for row in [names, *rows])
    look(folder / "cells.csv", text.encode())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(120))
def test_any_panel(folder: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    times = rng.choice(["2024-01-{:02d}", "2024-{:02d}-01", "{}", "2024-03-31 {:02d}:00"])
    top = 12 if times.endswith("-01") else 20
    lines = [
        f"{rng.choice(['a', 'A', 'b ', '1'])},{times.format(rng.integers(1, top + 1))},"
        f"{rng.choice(['', '-9999', '1', '2.5', '7e9'])},{rng.choice(['', 'k', '3'])}"
        for _ in range(n)
    ]
    header = rng.choice(["unique_id,ds,y,x", "shop,date,sold,kind"])
    look(folder / "panel.csv", "\n".join([str(header), *lines]).encode())


ROLES = ("future_covariates", "past_covariates", "static_covariates")
COLUMNS = {
    "words": ["", "a", "b", "NA"], "truth": ["true", "false"], "number": ["1", "2.5", ""],
    "mixed": ["1", "2", "x"], "day": ["2024-01-01", "2024-01-02"], "nothing": [""], "far": ["-999"],
}  # fmt: skip


@given(
    st.integers(0, 2**32 - 1),
    st.dictionaries(st.sampled_from(list(COLUMNS)), st.sampled_from(ROLES), max_size=4),
    st.sets(st.sampled_from([*COLUMNS, "other"]), max_size=2),
    st.sampled_from([None, "Europe/Berlin"]),
)
@settings(max_examples=examples(100))
def test_any_covariates(
    folder: Path, seed: int, roles: dict, categories: set, timezone: str | None
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 40))
    lines = [
        ",".join(
            ["ab"[i % 2], f"2024-03-{1 + i // 2:02}", str(rng.choice(["1", "2.5", "-999"]))]
            + [str(rng.choice(cells)) for cells in COLUMNS.values()]
        )
        for i in range(n)
    ]
    text = "\n".join([",".join(["unique_id", "ds", "y", *COLUMNS]), *lines])
    named: dict[str, Any] = {role: [c for c in roles if roles[c] == role] for role in ROLES}
    named |= {"categories": sorted(categories), "timezone": timezone}
    look(folder / "covariates.csv", text.encode(), training=seed % 10 == 0, **named)
