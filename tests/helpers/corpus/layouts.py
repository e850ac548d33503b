"""How lines and columns hold the series: keys of several columns, wide files, folders."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import EITHER, Cases, Series
from tests.helpers.corpus.making import (
    long_frame,
    members,
    save,
    save_lines,
    seasonal,
    span,
    texts,
    wide_frame,
)

CASES = Cases()
Rng = np.random.Generator


@CASES.add()
def shop_sales_by_month(folder: Path, rng: Rng) -> list[Series]:
    shops = ["Aberdeen", "St. John's", "O'Fallon", "Zürich"]
    truth = members(rng, shops, span("2017-01-01", 72, "MS"), "Sales", 12, digits=0)
    save(long_frame(truth, ["Shop"], "Month"), folder / "data.csv")
    return truth


@CASES.add(complete=False)
def prescriptions_keyed_by_three_columns(folder: Path, rng: Rng) -> list[Series]:
    """Two more columns follow from ATC2, and would tell the lines apart as well."""
    keys = list(product(["Concessional", "General"], ["Co-payments", "Safety net"], ["A01", "A02"]))
    keys += [(c, t, "B01") for c, t in product(["Concessional", "General"], ["Co-payments"])]
    truth, frames = [], []
    for number in range(len(keys)):
        times = span("2008-07-01", 72, "MS")
        both = [
            Series(keys[number], c, times, seasonal(rng, 72, 12, level, digits))
            for c, level, digits in (("Scripts", 2000 + 100 * number, 0), ("Cost", 9000, 2))
        ]
        truth += both
        frames.append(pd.DataFrame({
            "Month": texts(times), "Concession": keys[number][0], "Type": keys[number][1],
            "ATC1": keys[number][2][0], "ATC2": keys[number][2],
            "ATC2_desc": {"A01": "STOMATOLOGICALS", "A02": "ANTACIDS", "B01": "THROMBOTICS"}[
                keys[number][2]
            ],
            "Scripts": both[0].values.astype(int), "Cost": both[1].values,
        }))  # fmt: skip
    save(pd.concat(frames), folder / "data.csv")
    return truth


@CASES.add()
def retail_with_one_id_for_two_keys(folder: Path, rng: Rng) -> list[Series]:
    pairs = list(product(["Victoria", "Queensland"], ["Cafes, restaurants", "Clothing"]))
    numbers = [f"A33{49 + 7 * k}{k}X" for k in range(len(pairs))]
    keys = [((s, n), (i, n)) for (s, i), n in zip(pairs, numbers, strict=True)]
    truth = members(rng, keys, span("2010-04-01", 90, "MS"), "Turnover", 12)
    frame = long_frame(truth, ["State", "Industry"], "Month")
    frame.insert(2, "Series ID", np.repeat(numbers, 90))
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def items_in_stores_by_number(folder: Path, rng: Rng) -> list[Series]:
    keys = [(str(s), str(i)) for s, i in product((1, 2, 3), (1, 2, 3, 4))]
    truth = members(rng, keys, span("2022-01-01", 150), "sales", digits=0)
    frame = long_frame(truth, ["store", "item"], "date").astype({"sales": int})
    save(frame[["date", "store", "item", "sales"]], folder / "data.csv")
    return truth


@CASES.add(plain=True)
def measurements_of_several_kinds(folder: Path, rng: Rng) -> list[Series]:
    keys = list(product(["Mitte", "Tempelhof", "Spandau"], ["PM10", "NO2"]))
    truth = members(rng, keys, span("2023-03-01", 240, "h"), "value", 24)
    save(long_frame(truth, ["station", "parameter"], "time", "%Y-%m-%dT%H:%M"), folder / "data.csv")
    return truth


@CASES.add()
def tourism_with_regions_in_states(folder: Path, rng: Rng) -> list[Series]:
    """A region lies in one state, so that the state tells nothing more apart."""
    states = {"Adelaide": "SA", "Barossa": "SA", "Sydney": "NSW"}
    keys = list(product(states, ["Business", "Holiday"]))
    truth = members(rng, keys, span("2005-01-01", 48, "QS"), "Trips", 4, digits=3)
    frame = long_frame(truth, ["Region", "Purpose"], "Quarter")
    frame.insert(2, "State", frame["Region"].map(states))
    save(frame, folder / "data.csv")
    return truth


def _exchange(rng: Rng) -> list[Series]:
    days = span("2021-01-04", 500, "B")
    codes = {"AUD": 0.77, "GBP": 1.36, "CAD": 0.78, "CHF": 1.12, "JPY": 0.0097, "SGD": 0.75}
    walks = (
        np.round(c * np.exp(np.cumsum(0.005 * rng.normal(size=500))), 6) for c in codes.values()
    )
    return [Series((), code, days, walk) for code, walk in zip(codes, walks, strict=True)]


@CASES.add()
def exchange_rates_one_column_each(folder: Path, rng: Rng) -> list[Series]:
    truth = _exchange(rng)
    save(wide_frame(truth, "Date"), folder / "data.csv")
    return truth


@CASES.add()
def exchange_rates_below_an_unnamed_date(folder: Path, rng: Rng) -> list[Series]:
    truth = _exchange(rng)
    save(wide_frame(truth, ""), folder / "data.csv")
    return truth


@CASES.add()
def columns_of_series_with_the_weekday_beside(folder: Path, rng: Rng) -> list[Series]:
    days = span("2022-01-01", 200)
    levels = {"trams": 900, "buses": 1400, "ferries": 60}
    truth = [Series((), name, days, seasonal(rng, 200, 7, v, 0)) for name, v in levels.items()]
    frame = wide_frame(truth, "date")
    frame.insert(1, "weekday", texts(days, "%a"))
    save(frame, folder / "data.csv")
    return truth


@CASES.add(plain=True)
def regions_and_their_total(folder: Path, rng: Rng) -> list[Series]:
    parts = members(rng, ["x", "y", "z"], span("2022-01-01", 200), None)
    names = dict(zip(["north", "south", "east"], parts, strict=True))
    truth = [Series((), name, part.times, part.values) for name, part in names.items()]
    total = np.round(sum(part.values for part in parts), 1)
    truth.append(Series((), "total", parts[0].times, total))
    save(wide_frame(truth, "date"), folder / "data.csv")
    return truth


@CASES.add()
def rows_of_the_m4_competition(folder: Path, rng: Rng) -> list[Series]:
    """One series a line, ragged to the right, everything quoted."""
    truth, lines = [], []
    for k, length in enumerate((120, 200, 160, 90, 200, 48)):
        values = seasonal(rng, length, 24, 500 + 100 * k)
        steps = np.arange(length)
        truth.append(Series((f"H{k + 1}",), None, steps + 1, values, (steps,)))
        lines.append([f"H{k + 1}", *values, *[""] * (200 - length)])
    save_lines(folder / "data.csv", [[f"V{n}" for n in range(1, 202)], *lines], quote=1)
    return truth


@CASES.add()
def products_with_a_column_for_each_month(folder: Path, rng: Rng) -> list[Series]:
    months = span("2018-01-01", 60, "MS")
    truth = members(rng, ["Kettle", "Toaster", "Lamp"], months, None, 12, digits=0)
    lines = [[s.names[0], *s.values.astype(int)] for s in truth]
    save_lines(folder / "data.csv", [["Product", *texts(months, "%Y-%m")], *lines])
    return truth


@CASES.add()
def web_pages_with_a_column_for_each_day(folder: Path, rng: Rng) -> list[Series]:
    """The first days of a page are empty where it did not exist yet."""
    days = span("2015-07-01", 180)
    pages = ["2NE1_zh.wikipedia.org_all-access_spider", "AC/DC_en.wikipedia.org", '"Heroes"_(song)']
    truth = members(rng, pages, days, None, digits=0)
    truth[1].values[:25] = np.nan
    lines = [[s.names[0], *["" if v != v else int(v) for v in s.values]] for s in truth]
    save_lines(folder / "data.csv", [["Page", *texts(days)], *lines])
    return truth


@CASES.add(expect=EITHER, refusal=r"wide_columns_are|a column (a|for each) |headers? .*(date|time)")
def cases_by_country_with_columns_m_d_yy(folder: Path, rng: Rng) -> list[Series]:
    """The layout of the pandemic's files: two keys, coordinates, dates as 1/22/20."""
    days = span("2020-01-22", 120)
    keys = [("Hubei", "China"), ("Beijing", "China"), ("Victoria", "Australia")]
    truth = members(rng, keys, days, None, digits=0)
    header = [f"{d.month}/{d.day}/{d:%y}" for d in pd.DatetimeIndex(days)]
    lines = [[*s.names, 30.9 + k, 112.2, *s.values.astype(int)] for k, s in enumerate(truth)]
    names = ["Province/State", "Country/Region", "Lat", "Long"]
    save_lines(folder / "data.csv", [[*names, *header], *lines])
    return truth


@CASES.add(expect=EITHER, refusal="month")
def years_down_and_months_across(folder: Path, rng: Rng) -> list[Series]:
    """One series, a year a line: not twelve series of years."""
    months = span("1990-01-01", 360, "MS")
    values = seasonal(rng, 360, 12, 15, 2)
    names = texts(months[:12], "%b")
    table = values.reshape(30, 12)
    save_lines(
        folder / "data.csv", [["Year", *names], *([1990 + k, *r] for k, r in enumerate(table))]
    )
    return [Series((), None, months, values)]


@CASES.add(path="*.csv", names_in_file_names=True)
def power_files_with_columns_of_their_own(folder: Path, rng: Rng) -> list[Series]:
    """AEP_hourly.csv holds AEP_MW, and so on."""
    truth = members(rng, ["AEP", "COMED", "DUQ"], span("2015-06-01", 400, "h"), None, 24, digits=0)
    for series in truth:
        times = texts(series.times, "%Y-%m-%d %H:%M:%S")
        frame = pd.DataFrame({"Datetime": times, f"{series.names[0]}_MW": series.values})
        save(frame, folder / f"{series.names[0]}_hourly.csv")
    return truth


@CASES.add(path="*.csv", names_in_file_names=True)
def files_of_the_same_columns(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["0017", "0021", "0104"], span("2023-01-01", 200), "sales")
    for series in truth:
        frame = pd.DataFrame({"date": texts(series.times), "sales": series.values})
        save(frame, folder / f"store_{series.names[0]}.csv")
    return truth


@CASES.add(path="*.csv")
def files_of_a_year_each(folder: Path, rng: Rng) -> list[Series]:
    """The id stands in the files: their names are years, which part no series."""
    truth = members(rng, ["Oslo", "Bergen"], span("2021-01-01", 1095), "rain")
    frame = long_frame(truth, ["station"], "date")
    for year in ("2021", "2022", "2023"):
        save(frame[frame["date"].str.startswith(year)], folder / f"rain-{year}.csv")
    return truth


@CASES.add()
def short_series_among_long_ones(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b", "c"], span("2022-01-01", 200), "y")
    truth += members(rng, ["new", "newer"], span("2022-07-10", 6), "y")
    truth += members(rng, ["newest"], span("2022-07-18", 1), "y")
    save(long_frame(truth, ["unique_id"], "ds"), folder / "data.csv")
    return truth


@CASES.add(expect=EITHER, refusal="frequenc")
def daily_and_monthly_series(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["visits"], span("2021-01-01", 700), "value")
    truth += members(rng, ["orders"], span("2021-01-01", 23, "MS"), "value", 12)
    save(long_frame(truth, ["measure"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def twelve_months_in_all(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["sold"], span("2023-01-01", 12, "MS"), "sold", 12)
    save(wide_frame(truth, "month"), folder / "data.csv")
    return truth
