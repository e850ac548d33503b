"""Files in the layouts, clocks and spellings of the wild, made by a script, each with its truth.

`CASES` holds them by name; verify.py runs `tsconv check` on one and judges what it says.
"""

from tests.corpus import clocks, dates, files, layouts, numbers, traps

CASES = {**layouts.CASES, **clocks.CASES, **dates.CASES, **numbers.CASES, **files.CASES, **traps.CASES}
