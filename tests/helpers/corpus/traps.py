"""Files that mislead: no id, repeated lines, columns that look like what they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import REFUSES, Cases, Series
from tests.helpers.corpus.making import long_frame, members, save, span, texts

CASES = Cases()
Rng = np.random.Generator
_ID_IS_MISSING = r"\bid\b"
_SAYS_REPEATED = r"duplicate|repeat|same time"


@CASES.add(expect=REFUSES, refusal=_ID_IS_MISSING)
def two_series_and_no_id(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2023-01-01", 200), "sold")
    frame = long_frame(truth, ["shop"], "date").sort_values("date", kind="stable")
    save(frame[["date", "sold"]], folder / "data.csv")
    return truth


@CASES.add(expect=REFUSES, refusal=_ID_IS_MISSING)
def twenty_series_and_no_id_but_a_category(folder: Path, rng: Rng) -> list[Series]:
    """Neither column tells the lines of a day apart."""
    truth = members(rng, [f"s{k}" for k in range(20)], span("2023-01-01", 60), "sold")
    frame = long_frame(truth, ["shop"], "date")
    frame["weekend"] = np.where(pd.DatetimeIndex(frame["date"]).day_of_week >= 5, "yes", "no")
    frame["weather"] = rng.choice(["sun", "rain", "snow"], len(frame))
    save(frame.drop(columns="shop").sort_values("date"), folder / "data.csv")
    return truth


@CASES.add(expect=REFUSES, refusal=_ID_IS_MISSING)
def series_of_which_two_share_a_name(folder: Path, rng: Rng) -> list[Series]:
    """Of ten shops two are both called `Main St.`: a tenth of all times has two lines."""
    names = [*(f"shop {k}" for k in range(8)), "Main St.", "Main St."]
    truth = members(rng, names, span("2023-01-01", 120), "sold")
    save(long_frame(truth, ["shop"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def a_category_that_is_no_key(folder: Path, rng: Rng) -> list[Series]:
    """`weather` comes before the shop, is text and changes from day to day."""
    truth = members(rng, ["Ulm", "Linz"], span("2023-01-01", 200), "sold")
    frame = long_frame(truth, ["shop"], "date")
    frame.insert(0, "weather", rng.choice(["sun", "rain", "snow"], len(frame)))
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def a_category_in_a_file_of_one_series(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["x"], span("2023-01-01", 300), "visitors", digits=0)
    frame = long_frame(truth, ["event"], "date")
    frame["event"] = rng.choice(["none", "none", "fair", "concert"], len(frame))
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def a_number_for_each_line(folder: Path, rng: Rng) -> list[Series]:
    """`record_id` is different in each line: it tells them apart, and is no series' name."""
    truth = members(rng, ["E1", "W2"], span("2023-01-01", 200), "flow")
    frame = long_frame(truth, ["gauge"], "date").sort_values("date", kind="stable")
    frame.insert(0, "record_id", rng.permutation(len(frame)) + 100_000)
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def junctions_with_a_number_for_each_line(folder: Path, rng: Rng) -> list[Series]:
    """Road traffic: `ID` is the time and the junction in one number."""
    truth = members(rng, ["1", "2", "3"], span("2016-01-01", 400, "h"), "Vehicles", 24, digits=0)
    frame = long_frame(truth, ["Junction"], "DateTime", "%Y-%m-%d %H:%M:%S")
    stamps = [texts(s.times, f"%Y%m%d%H{s.names[0]}") for s in truth]
    frame["ID"] = np.array(stamps, dtype="int64").ravel()
    columns = ["DateTime", "Junction", "Vehicles", "ID"]
    save(frame[columns].astype({"Vehicles": int}), folder / "data.csv")
    return truth


@CASES.add()
def a_name_and_a_number_for_each_series(folder: Path, rng: Rng) -> list[Series]:
    keys = [(("17", "Nord"),), (("23", "Süd"),), (("31", "Hafen"),)]
    truth = members(rng, keys, span("2023-01-01", 200), "load")
    frame = long_frame(truth, ["station_id"], "date")
    frame.insert(1, "station", frame["station_id"].map({"17": "Nord", "23": "Süd", "31": "Hafen"}))
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def shops_of_one_name_in_two_towns(folder: Path, rng: Rng) -> list[Series]:
    """`shop` alone tells nearly all lines apart; `town` and `shop` do all of them."""
    keys = [("Ulm", "Main"), ("Ulm", "Station"), ("Linz", "Main"), ("Linz", "Harbour")]
    truth = members(rng, keys, span("2023-01-01", 150), "sold")
    save(long_frame(truth, ["town", "shop"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def a_few_lines_twice(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b", "c"], span("2023-01-01", 250), "sold")
    frame = long_frame(truth, ["shop"], "date")
    save(pd.concat([frame, frame.iloc[[7, 300, 301]]]), folder / "data.csv")
    return truth


@CASES.add(states=_SAYS_REPEATED)
def a_few_times_with_two_values(folder: Path, rng: Rng) -> list[Series]:
    """Corrected later, it seems: either value, or their mean, where the report says so."""
    frame = long_frame(members(rng, ["a", "b"], span("2023-01-01", 400), "sold"), ["shop"], "date")
    again = frame.iloc[[9, 500]].assign(sold=lambda f: f["sold"] + 3)
    frame = pd.concat([frame, again]).sort_values(["shop", "date"], kind="stable")
    save(frame, folder / "data.csv")
    return [
        Series(
            (n,), "sold", part["date"].to_numpy().astype("datetime64[us]"), part["sold"].to_numpy()
        )
        for n, part in frame.groupby("shop")
    ]


@CASES.add(expect=REFUSES, refusal=r"same time|duplicate|repeat|\bid\b")
def a_tenth_of_the_times_with_two_values(folder: Path, rng: Rng) -> list[Series]:
    """Too much to average: something tells these lines apart that the file does not hold."""
    truth = members(rng, ["a", "b"], span("2023-01-01", 400), "sold")
    frame = long_frame(truth, ["shop"], "date")
    again = frame.iloc[::9].assign(sold=lambda f: f["sold"] * 2)
    save(pd.concat([frame, again]).sort_values(["shop", "date"]), folder / "data.csv")
    return truth


@CASES.add()
def the_same_day_twice_in_other_columns(folder: Path, rng: Rng) -> list[Series]:
    """The day that something was ordered, and the one on which the line was written."""
    truth = members(rng, ["a", "b"], span("2023-01-01", 200), "orders", digits=0)
    frame = long_frame(truth, ["shop"], "order_date")
    late = frame["order_date"].astype("datetime64[us]") + pd.to_timedelta(
        rng.integers(1, 4, len(frame)), "D"
    )
    frame.insert(0, "updated", late.dt.strftime("%Y-%m-%d"))
    save(frame, folder / "data.csv")
    return truth


@CASES.add(plain=True)
def newest_lines_first(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["Close"], span("2022-01-03", 260, "B"), "Close", 5, digits=2)
    frame = long_frame(truth, ["name"], "Date").drop(columns="name")
    save(frame.iloc[::-1], folder / "data.csv")
    return truth


@CASES.add()
def series_that_end_and_begin_at_other_times(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["old"], span("2021-01-01", 400), "sold")
    truth += members(rng, ["new"], span("2021-12-01", 90), "sold")
    save(long_frame(truth, ["shop"], "date"), folder / "data.csv")
    return truth


@CASES.add(expect=REFUSES, refusal="number|target|value")
def nothing_to_forecast(folder: Path, rng: Rng) -> list[Series]:
    """Times and words, and no column of numbers."""
    days = span("2023-01-01", 100)
    words = rng.choice(["open", "closed"], 100)
    save(pd.DataFrame({"date": texts(days), "state": words}), folder / "data.csv")
    return []


@CASES.add(expect=REFUSES, refusal="time")
def no_time_at_all(folder: Path, rng: Rng) -> list[Series]:
    frame = pd.DataFrame(np.round(rng.normal(size=(100, 3)), 4), columns=["a", "b", "c"])
    save(frame, folder / "data.csv")
    return []
