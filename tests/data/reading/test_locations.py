"""Where the lines of a table stand in its files."""

import numpy as np

from tsconv.data.reading.locations import SourceLocations


def test_lines_of_several_files() -> None:
    locations = SourceLocations.of({"a": 2, "b": 3})
    assert [locations(i) for i in range(5)] == [
        "a: line 2",
        "a: line 3",
        "b: line 2",
        "b: line 3",
        "b: line 4",
    ]
    assert locations.both(4, 0) == "a: line 2 and b: line 4"
    assert locations.both(1, 0) == "a: lines 2 and 3"
    assert locations(6) == "a: line 3", "wide files are stacked: lines come again"
    assert locations.take(np.array([4, 0])).take(np.array([1, 0]))(0) == "a: line 2"
