"""A forecast in shards, merged, is the forecast without shards, byte for byte."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.forked import ForkedProcess
from tsconv import cli
from tsconv.data.reading.shards.shard import shard_of

QUICK = (
    "trainer.max_steps=2", "compile=false", "precision=float32", "plots=false",
    "callbacks.progress=false", "model.hidden=4", "model.levels=1", "logger=none",
)  # fmt: skip
SHARDS = 5


def sales(count: int = 30) -> pd.DataFrame:
    """Series of whole numbers, but for one; unlike lengths; lines in the order of time."""
    rng = np.random.default_rng(0)
    parts = []
    for s in range(count):
        length = 40 + 3 * (s % 5)
        days = pd.date_range("2024-01-01", periods=length)
        y = rng.poisson(20, length) + (0.25 if s == 7 else 0)
        parts.append(
            pd.DataFrame({"unique_id": f"s{s:03d}", "ds": days, "y": y, "n": range(length)})
        )
    parts[11].loc[5:, "y"] = np.nan  # empty ends
    return pd.concat(parts).sort_values(["n", "unique_id"], ignore_index=True).drop(columns="n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A trained bundle of `sales`, in the folder that the tests work in."""
    path = tmp_path_factory.mktemp("shards")
    frame = sales()
    frame.to_csv(path / "sales.csv", index=False)
    frame.to_csv(path / "sales.csv.gz", index=False)
    frame.to_parquet(path / "sales.parquet", row_group_size=100)
    frame[:500].to_csv(path / "part1.csv", index=False)
    frame[500:].to_csv(path / "part2.csv", index=False)
    wide = frame.pivot_table(index="ds", columns="unique_id", values="y").reset_index()
    wide.to_csv(path / "wide.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        assert cli.main(["train", "data.path=sales.csv", "horizon=5", "run_dir=run", *QUICK]) == 0
        yield path


@pytest.fixture(scope="module")
def stations(folder: Path) -> Path:
    """Files with a family of rows, two targets, covariates, and a bundle of some of its rows."""
    rng = np.random.default_rng(3)
    lines = [
        {
            "city": f"c{c}", "station": station, "hour": hour, "pm": round(rng.normal(30, 5), 1),
            "no": int(rng.integers(5, 90)), "wind": round(rng.normal(3, 1), 1),
            "plan": "on" if hour.day % 2 else "off",
        }
        for c in range(9)
        for station in ("east", "west", "new" if c == 8 else "north")
        for hour in pd.date_range("2024-01-01", periods=60, freq="h")
    ]  # fmt: skip
    frame = pd.DataFrame(lines)
    ahead = frame["hour"] >= "2024-01-03 08:00"
    frame[frame["station"] != "new"].to_csv("trained.csv", index=False)
    frame[~ahead].to_csv("air.csv", index=False)
    future = frame.loc[ahead, ["city", "station", "hour", "plan"]]
    future.to_csv("plans.csv", index=False)
    future[future["city"] == "c0"].drop(columns="city").to_csv("plan.csv", index=False)
    keys = ["data.id=city", "data.row=station", "data.time=hour", "data.target=[pm,no]",
            "data.past_covariates=[wind]", "data.future_covariates=[plan]",
            "data.categories=[plan]", "horizon=4", "model.rows=shared"]  # fmt: skip
    assert cli.main(["train", "data.path=trained.csv", "run_dir=air", *keys, *QUICK]) == 0
    return folder


@pytest.mark.parametrize("future", ["plans.csv", "plan.csv"])
def test_rows_targets_and_covariates(stations: Path, tmp_path: Path, future: str) -> None:
    keys = ["forecast", "bundle=air", "data.path=air.csv", f"data.future_path={future}"]
    if future == "plan.csv":  # for all cities, but without the new station
        keys[2] = "data.path=trained.csv"
        keys.append("start=2024-01-03 08:00")
    assert cli.main([*keys, f"output={tmp_path}/one.csv"]) == 0
    assert cli.main([*keys, f"output={tmp_path}/all.csv", "shards=4"]) == 0
    for shard in range(3):
        use = [f"output={tmp_path}/each.csv", "shards=3", f"shard={shard}"]
        assert cli.main([*keys, *use]) == 0
    assert merge(f"output={tmp_path}/each.csv", "shards=3") == 0
    text = (tmp_path / "one.csv").read_text()
    assert ("c8,new,no," in text) == (future == "plans.csv")
    assert (tmp_path / "all.csv").read_text() == text
    assert (tmp_path / "each.csv").read_text() == text


def forecast(*arguments: str) -> int:
    return cli.main(["forecast", "bundle=run", *arguments])


def merge(*arguments: str) -> int:
    return cli.main(["merge", *arguments])


def refusal(capsys: pytest.CaptureFixture[str], code: int) -> str:
    assert code == 1
    found = capsys.readouterr().err.strip()
    assert "\n" not in found
    return found


@pytest.mark.parametrize(
    ("data", "more", "suffix"),
    [
        ("sales.csv", (), "csv"),
        ("sales.csv", (), "parquet"),
        ("sales.csv.gz", ("columns=nixtla",), "csv"),
        ("sales.parquet", ("last=2024-02-05",), "csv"),
        ("sales.parquet", ("last=2024-02-05",), "parquet"),
        ("part?.csv", ("horizon=3",), "csv"),
        ("sales.csv", ("series=[s003,s007,s021]", "start=2024-02-05"), "csv"),
        ("wide.csv", ("data.wide_columns_are=series", "data.id=null"), "csv"),
        ("wide.csv", ("data.wide_columns_are=series", "data.id=null"), "parquet"),
    ],
)
def test_the_merged_file_is_that_of_one_forecast(
    folder: Path, tmp_path: Path, data: str, more: tuple[str, ...], suffix: str
) -> None:
    keys = (f"data.path={data}", *more)
    one, output = tmp_path / f"one.{suffix}", tmp_path / f"all.{suffix}"
    assert forecast(*keys, f"output={one}") == 0
    for shard in reversed(range(3)):
        assert forecast(*keys, f"output={output}", "shards=3", f"shard={shard}") == 0
    assert merge(f"output={output}", "shards=3") == 0
    again = tmp_path / f"again.{suffix}"
    assert forecast(*keys, f"output={again}", "shards=3") == 0
    for found in (output, again):
        if suffix == "csv":
            assert found.read_bytes() == one.read_bytes()
        else:
            pd.testing.assert_frame_equal(pd.read_parquet(found), pd.read_parquet(one))


def test_what_all_lines_decide_holds_in_the_merged_file(folder: Path, tmp_path: Path) -> None:
    """Quotes, and times with a clock, where one series needs them."""
    frame = sales(12)
    frame.loc[frame["unique_id"] == "s004", "unique_id"] = "four, or so"
    frame.loc[frame["unique_id"] == "s006", "ds"] += pd.Timedelta(hours=6)
    frame.to_parquet(tmp_path / "odd.parquet")
    keys = (f"data.path={tmp_path}/odd.parquet",)
    assert forecast(*keys, f"output={tmp_path}/one.csv") == 0
    assert forecast(*keys, f"output={tmp_path}/all.csv", "shards=4") == 0
    text = (tmp_path / "one.csv").read_text()
    assert '"four, or so","2024-' in text
    assert "06:00:00" in text
    assert (tmp_path / "all.csv").read_text() == text
    alone = tmp_path / f"all-{shard_of('s005', 4):05d}-of-00004.csv"
    assert '"' not in alone.read_text()


def test_parts_hold_their_series_and_are_made_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("data.path=sales.csv", f"output={tmp_path}/f.csv", f"shards={SHARDS}")
    assert forecast(*keys, "shard=2") == 0
    part = tmp_path / "f-00002-of-00005.csv"
    assert capsys.readouterr().out.splitlines()[-1] == str(part)
    ids = pd.read_csv(part)["unique_id"].unique()
    assert len(ids)
    assert all(shard_of(i, SHARDS) == 2 for i in ids)
    before = part.stat().st_mtime_ns
    assert forecast(*keys, "shard=2") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert part.stat().st_mtime_ns == before
    assert forecast(*keys, "shard=2", "horizon=2") == 0  # made anew
    assert len(pd.read_csv(part)) == 2 * len(ids)
    assert forecast(*keys, "horizon=2") == 0
    report = capsys.readouterr()
    assert "1 shard made before" in report.err
    assert "5 of 5 shards done" in report.err
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".csv"] * 6 + [".json"] * 5


def test_an_empty_shard_is_a_whole_part(folder: Path, tmp_path: Path) -> None:
    keys = ("data.path=sales.csv", "series=s001", f"output={tmp_path}/f.csv")
    assert forecast(*keys, "shards=4") == 0
    assert forecast(*keys[:2], f"output={tmp_path}/one.csv") == 0
    assert (tmp_path / "f.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert len(list(tmp_path.glob("f-*.csv"))) == 4


def test_lines_of_other_shards_may_be_bad(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "sales.csv").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if i > 300 and line.startswith("s009"))
    lines[at] = lines[at].rpartition(",")[0] + ",many"
    (tmp_path / "bad.csv").write_text("\n".join(lines) + "\n")
    keys = (f"data.path={tmp_path}/bad.csv", f"output={tmp_path}/f.csv", f"shards={SHARDS}")
    own = shard_of("s009", SHARDS)
    assert forecast(*keys, f"shard={(own + 1) % SHARDS}") == 0
    capsys.readouterr()
    message = refusal(capsys, forecast(*keys, f"shard={own}"))
    assert f"bad.csv: line {at + 1}, column `y`: 'many' is not a number" in message
    lines[at] = "," + lines[at].partition(",")[2]  # an id that is missing is everybody's
    (tmp_path / "bad.csv").write_text("\n".join(lines) + "\n")
    for shard in range(2):
        message = refusal(capsys, forecast(*keys, f"shard={shard}"))
        assert f"bad.csv: line {at + 1}, column `unique_id`: the id is empty" in message


def test_a_merge_names_what_is_missing_or_does_not_fit(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("data.path=sales.csv", f"output={tmp_path}/f.csv", f"shards={SHARDS}")
    use = (f"output={tmp_path}/f.csv", f"shards={SHARDS}")
    assert forecast(*keys, "shard=1") == 0
    capsys.readouterr()
    message = refusal(capsys, merge(*use))
    assert "shards 0, 2-4 of 5 are missing" in message
    assert "shards=5" in message
    for shard in (0, 2, 3):
        assert forecast(*keys, f"shard={shard}") == 0
    capsys.readouterr()
    assert "shard 4 of 5 is missing" in refusal(capsys, merge(*use))
    assert not (tmp_path / "f.csv").exists()
    assert forecast(*keys, "shard=4", "horizon=2") == 0
    capsys.readouterr()
    assert "f-00004-of-00005.csv was made from another `horizon`" in refusal(capsys, merge(*use))
    assert forecast(*keys, "shard=4") == 0
    part = tmp_path / "f-00003-of-00005.csv"
    part.write_bytes(part.read_bytes().replace(b"2024", b"2025", 1))
    capsys.readouterr()
    assert "f-00003-of-00005.csv is damaged" in refusal(capsys, merge(*use))
    part.unlink()
    assert forecast(*keys, "shard=3") == 0
    manifest = tmp_path / "f-00002-of-00005.json"
    values = json.loads(manifest.read_text())
    first = json.loads((tmp_path / "f-00001-of-00005.json").read_text())["position_steps"][0]
    values["position_steps"][1] -= first - values["position_steps"][0]
    values["position_steps"][0] = first
    right = manifest.read_text()
    manifest.write_text(json.dumps(values))
    capsys.readouterr()
    assert "shards 1 and 2 both have a series" in refusal(capsys, merge(*use))
    manifest.write_text(right)
    assert merge(*use, "parts=delete") == 0
    assert [p.name for p in tmp_path.iterdir()] == ["f.csv"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("shard=1",), "`shard` (=1) needs `shards`"),
        (("shards=0",), "`shards` (=0) must be from 1"),
        (("shards=4", "shard=4"), "`shard` (=4) must be from 0 to 3"),
        (("shards=4", "plot=f.png"), "`plot` and `shards` exclude each other"),
        (("shards=4", "template=t.csv"), "`template` and `shards` exclude each other"),
        (("shards=4", "series=[s999]"), "has no series `s999`"),
        (("shards=4", "start=2031-01-01"), "no value for the step before it"),
        (("shards=4", "start=2021-01-01"), "no value is observed before it"),
        (("shards=4", "output=sales.csv"), "is a file that the forecast reads"),
    ],
)
def test_bad_keys_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], keys: tuple[str, ...], said: str
) -> None:
    output = () if any(k.startswith("output=") for k in keys) else ("output=bad.csv",)
    assert forecast("data.path=sales.csv", *output, *keys) == 1
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_killed_forecast_goes_on(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("data.path=sales.csv", f"output={tmp_path}/f.csv", "batch_size=1")
    command = [sys.executable, "-m", "tsconv.cli", "forecast", "bundle=run", *keys, "shards=30"]
    process = ForkedProcess(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    assert not (tmp_path / "f.csv").exists()
    done = len(list(tmp_path.glob("*.json")))
    assert 0 < done < 30
    assert forecast(*keys, "shards=30") == 0
    assert f"{done} shard" in capsys.readouterr().err
    assert forecast(*keys[:1], f"output={tmp_path}/one.csv") == 0
    assert (tmp_path / "f.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
