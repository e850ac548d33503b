"""Tables of pandas, polars and pyarrow, and paths: read alike, given back in their own kind."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tests.helpers.frames import daily_frame
from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import DataError, DataTypeError, TsconvError
from tsconv.frames import in_kind_of, table_of, to_pandas

FRAME = daily_frame(2, 30).assign(store=lambda f: f["unique_id"].map({"shop 0": 7, "shop 1": 8}))
ROLES = DataConfig(id="store")
KINDS = {
    "pandas": FRAME,
    "pandas with types of arrow": FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas(FRAME),
    "polars, lazy": pl.from_pandas(FRAME).lazy(),
    "pyarrow": pa.Table.from_pandas(FRAME),
    "pyarrow from an indexed DataFrame": pa.Table.from_pandas(FRAME.set_index(["store", "ds"])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_is_read_alike(kind: str) -> None:
    expected = table_from_frame(FRAME, ROLES)
    table = table_of(KINDS[kind], ROLES, "fit")
    assert table.ids == expected.ids == ("7", "8")
    assert (table.time == expected.time).all()
    assert (table.values == expected.values).all()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("spelling", [str, Path])
def test_a_path_is_read_as_the_command_reads_it(tmp_path: Path, suffix: str, spelling: Any) -> None:
    path = tmp_path / f"sales{suffix}"
    (FRAME.to_csv if suffix == ".csv" else FRAME.to_parquet)(path, index=False)
    table = table_of(spelling(path), ROLES, "fit")
    assert table.ids == ("7", "8")
    assert table.values == pytest.approx(table_from_frame(FRAME, ROLES).values)


def test_tables_of_polars_keep_what_their_types_say() -> None:
    frame = pl.DataFrame(
        {
            "ds": [1, 2],
            "day": pl.Series(["2024-03-30", "2024-03-31"]).str.to_date(),
            "kind": pl.Series(["a", None], dtype=pl.Categorical),
            "y": pl.Series([None, 3], dtype=pl.Int64),
        }
    )
    made = to_pandas(frame, DataConfig(), "fit")
    assert made["day"].dt.day.tolist() == [30, 31]
    assert made["kind"].isna().tolist() == [False, True]
    assert made["y"].isna().tolist() == [True, False]
    assert made["ds"].dtype == "int64"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([1.0], "not a list"),
        ({"y": [1.0]}, "not a dict"),
        (None, "not None"),
        (FRAME["y"], "not a Series of pandas"),
        (pl.Series([1.0]), "not a Series of polars"),
        (FRAME["y"].to_numpy(), "not a ndarray of numpy"),
    ],
)
def test_other_types_are_refused_by_name(given: Any, named: str) -> None:
    with pytest.raises(DataTypeError, match=f"^fit takes a DataFrame of pandas or .*, {named}$"):
        table_of(given, ROLES, "fit")
    assert issubclass(DataTypeError, TypeError)
    assert issubclass(DataTypeError, TsconvError)


@pytest.mark.parametrize(
    ("frame", "roles", "held", "call"),
    [
        (FRAME.set_index("ds"), ROLES, "`ds`", "frame.reset_index()"),
        (FRAME.set_index(["store", "ds"]), ROLES, "`store`, `ds`", "frame.reset_index()"),
        (FRAME.set_index("store"), ROLES, "`store`", "frame.reset_index()"),
        (
            FRAME.set_index("ds").rename_axis(None),
            ROLES,
            "times without a name",
            "frame.reset_index(names='ds')",
        ),
        (
            FRAME.set_index(["store", "ds"]).rename_axis([None, None]),
            ROLES,
            "values without names",
            "frame.reset_index(names=['store', 'ds'])",
        ),
        (
            FRAME.rename(columns={"ds": "Date"}).set_index("Date"),
            ROLES,
            "`Date`",
            "frame.reset_index(), and name the column of time, e.g. data__time='Date'",
        ),
    ],
)
def test_an_index_with_wanted_values_is_refused_with_the_way_out(
    frame: pd.DataFrame, roles: DataConfig, held: str, call: str
) -> None:
    with pytest.raises(DataError) as error:
        to_pandas(frame, roles, "fit")
    assert f"holds {held};" in str(error.value)
    assert str(error.value).endswith(f"give {call}")


def test_what_the_message_says_works() -> None:
    for frame in (
        FRAME.set_index(["store", "ds"]).reset_index(),
        FRAME.set_index(["store", "ds"]).rename_axis([None, None]).reset_index(
            names=["store", "ds"]
        ),
        FRAME.set_index(pd.RangeIndex(60, name="line")),  # an index that nobody wants
    ):  # fmt: skip
        assert table_of(frame, ROLES, "fit").ids == ("7", "8")


def test_two_columns_of_one_name_are_refused_in_every_kind_of_table() -> None:
    twice = pa.table([pa.array([1]), pa.array([2])], names=["ds", "ds"])
    for given in (twice, twice.to_pandas()):
        with pytest.raises(DataError, match="two columns are called `ds`"):
            table_of(given, ROLES, "fit")


def test_an_index_is_not_blamed_for_a_column_that_is_nowhere() -> None:
    frame = FRAME.rename(columns={"ds": "date"}).set_index(pd.RangeIndex(60, name="line"))
    with pytest.raises(DataError, match="no column `ds`"):
        table_of(frame, ROLES, "fit")


def test_a_table_comes_back_in_the_kind_that_was_given() -> None:
    made = pd.DataFrame({"store": [7, 8], "ds": pd.to_datetime(["2024-01-01"] * 2), "x": [1.5, 2]})
    assert in_kind_of(FRAME, made) is made
    assert in_kind_of("sales.csv", made) is made
    for given in (pl.from_pandas(FRAME), pl.from_pandas(FRAME).lazy()):
        back = in_kind_of(given, made)
        assert isinstance(back, pl.DataFrame)
        assert back.schema["store"] == pl.Int64
        assert back.schema["ds"].is_temporal()
        assert back["x"].to_list() == [1.5, 2.0]
    back = in_kind_of(pa.Table.from_pandas(FRAME), made)
    assert isinstance(back, pa.Table)
    assert back.schema.metadata is None
    assert back.column_names == ["store", "ds", "x"]
