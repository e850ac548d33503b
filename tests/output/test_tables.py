"""Tables of aligned columns, and those that the commands print."""

import pytest

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
