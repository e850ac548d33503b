"""Column names that are usual for each role; only a check looks at them, never training."""

from __future__ import annotations

from collections.abc import Sequence

TIME_PARTS = ("year", "month", "day", "hour", "minute", "second")
TIME_NAMES = (
    "ds", "datetime", "timestamp", "date", "time", "day", "period", "week", "month", "year", "t",
    "step",
)  # fmt: skip
ID_NAMES = (
    "unique_id", "id", "series_id", "series", "item_id", "item", "store", "shop", "sku", "product",
    "station", "region", "site", "name",
)  # fmt: skip
TARGET_NAMES = (
    "y", "target", "value", "values", "sales", "sold", "demand", "load", "quantity", "qty", "count",
    "volume", "units", "price",
)  # fmt: skip

QUANTITY_WORDS = frozenset((
    "temp", "temperature", "tmp", "tmin", "tmax", "tavg", "min", "max", "mean", "humid", "humidity",
    "rh", "dewp", "dew", "pressure", "pres", "press", "wind", "precip", "precipitation", "rain",
    "snow", "speed", "visibility", "visib", "cloud", "clouds", "irradiance", "radiation", "ghi",
    "pm", "co", "no", "so", "ozone", "o", "voltage", "current", "intensity", "power", "energy",
    "frequency", "count", "counts", "claims", "price", "prices", "volume", "open", "close", "high",
    "low", "adj", "sales", "revenue", "income", "consumption", "production", "savings",
    "unemployment", "unemp", "rate", "flow", "level", "depth", "discharge", "speed", "occupancy",
    "capacity", "cost", "gdp", "cpi", "population", "pop",
))  # fmt: skip


def name_rank(column: str, names: Sequence[str]) -> int:
    """How well a column's name fits a list of usual names: 0 is best, len(names) is no fit.

    A whole name ranks by its position in the list; a name of which one word is in the list ranks
    last but one.

    >>> names = ("date", "time")
    >>> [name_rank(column, names) for column in ("Date", "start_time", "price")]
    [0, 1, 2]
    """
    column = column.lower()
    if column in names:
        return names.index(column)
    words = set(column.replace("-", "_").replace(" ", "_").split("_"))
    return next((len(names) - 1 for n in names if len(n) > 2 and n in words), len(names))
