"""The format that an error of reading advises is found."""

import pandas as pd
import pytest

from tsconv.check.tables.time_formats import time_format_of
from tsconv.data.timestamps.formats import fitting_formats


@pytest.mark.parametrize("mark", list("./-"))
@pytest.mark.parametrize("date", ["%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d"])
@pytest.mark.parametrize("clock", ["", " %H:%M", " %H:%M:%S", " %I:%M %p"])
def test_the_format_that_reading_advises_is_found(mark: str, date: str, clock: str) -> None:
    form = date.format(mark) + clock
    whole = pd.Series(pd.date_range("2024-01-10 23:30", periods=9, freq="D").strftime(form))
    assert fitting_formats(whole)[0] == repr(form)
    assert time_format_of(whole) == ("" if date[:2] == "%Y" and "%p" not in clock else form)
    early = whole.iloc[:2]  # the 10th and the 11th: days that could be months
    both = time_format_of(early)
    first = both if isinstance(both, str) else (both or [""])[0]
    assert first in ("", *(f.strip("'") for f in fitting_formats(early)[0].split(" or ")))
