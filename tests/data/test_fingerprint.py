"""The fingerprint of data: of names, times and values, whatever the order of the lines."""

import pandas as pd

from tests.helpers.frames import daily_frame
from tests.helpers.panels import panel_of
from tsconv.data.fingerprint import fingerprint


def test_the_fingerprint_is_that_of_the_data() -> None:
    def of(frame: pd.DataFrame) -> str:
        return fingerprint(panel_of(frame))

    frame = daily_frame()
    assert of(frame) == of(frame.iloc[::-1].iloc[::-1])
    later = frame.assign(ds=frame["ds"] + pd.Timedelta(days=1))
    named = frame.assign(unique_id=frame["unique_id"] + "!")
    value = frame.assign(y=frame["y"].where(frame.index != 7, 3.0))
    assert len({of(f) for f in (frame, later, named, value, frame.iloc[:-1])}) == 5
