"""Columns that give the target away, and columns of no use."""

from tests.helpers.checks import covariate_frame, raw_table_of, sorted_table_of
from tsconv.check.findings.covariates import find_leaks, find_useless_columns


def test_leaks_and_useless_columns() -> None:
    frame = covariate_frame()
    raw_table, table = raw_table_of(frame), sorted_table_of(frame)
    declared = {"double": "data.future_covariates", "same": "data.past_covariates"}
    got = {f.first: f for f in find_leaks(raw_table, table, declared)}
    assert set(got) == {"column `tomorrow`", "column `double`"}
    assert "1 step ahead" in got["column `tomorrow`"].text
    assert got["column `double`"].level == "warning"
    (useless,) = find_useless_columns(raw_table, declared)
    assert "`same` (data.past_covariates) has the same value everywhere" in useless.text
