"""Roles that columns without one could have, from their content."""

from tests.helpers.checks import covariate_frame, raw_table_of, sorted_table_of
from tsconv.check.findings.series import find_open_tails
from tsconv.check.suggestions.column_roles.undeclared_columns import candidate_roles


def test_what_undeclared_columns_could_be() -> None:
    frame = covariate_frame()
    raw_table, table = raw_table_of(frame), sorted_table_of(frame)
    names = ["kind", "size", "price", "weekday", "rain", "line", "nothing", "same"]
    roles = {c.name: c.role for c in candidate_roles(raw_table, names, table)}
    assert roles == {
        "kind": "static", "size": "static", "price": "future", "weekday": "future", "rain": "past",
        "line": "counter", "nothing": "none", "same": "none",
    }  # fmt: skip
    tail = find_open_tails(table)
    assert tail is not None
    assert tail.count == 30
