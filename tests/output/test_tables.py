"""Tables of aligned columns, and those that the commands print."""

import pytest

from tsconv.output.metrics_table import breakdown_tables, metrics_table
from tsconv.output.tables import Column, format_line, format_number, format_table


def test_cells_stand_to_the_left_or_right_and_are_cut_where_asked() -> None:
    columns = (Column(6, "<"), Column(8), Column(4, "<", indent=2, longest=3))
    assert format_line(columns, ["ab", "1.5", "abcdef"]) == "ab         1.5  abc "
    assert format_line(columns, ["too long", "1"]) == "too long       1"  # the others move on
    assert format_line(columns, []) == ""
    assert format_table(columns, [["a", "b"], ["c"]]) == "a            b\nc     "
    assert format_number(0.123456, ".3g") == "0.123"
    assert format_number(None, ".3g") == ""


def test_a_cell_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells do not fit into 1 columns"):
        format_line([Column(6)], ["a", "b"])


def test_test_metrics_beside_seasonal_naive() -> None:
    ours = {"mse": 0.5, "mae": 0.25, "mase": None, "coverage_80": 0.8, "n_origins": 19495}
    naive = {"mse": 1.0, "mae": None, "coverage_80": None, "n_origins": 19495}
    assert metrics_table(ours, naive).splitlines() == [
        "test                tsconv  seasonal naive          ",
        "mse                    0.5               1    -50.0%",
        "mae                   0.25",
        "coverage_80            0.8",
        "n_origins           19,495          19,495",
    ]


def test_errors_by_row_the_worst_first() -> None:
    ours = {name: {"mase": mase} for name, mase in [("a", 0.5), ("b" * 30, 1.5), ("c", None)]}
    naive = {name: {"mase": 1.0} for name in ours}
    table = breakdown_tables({"by_row": ours}, {"by_row": naive}, most=1)
    assert table.splitlines() == [
        "",
        "mase by row                     tsconv  seasonal naive",
        "bbbbbbbbbbbbbbbbbbbbbbbbb          1.5               1    +50.0%",
        "... 1 more in metrics.json",
    ]
    assert breakdown_tables({}, {}) == ""
