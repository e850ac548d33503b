"""Files in the layouts, clocks and spellings of the wild, made by a script, each with its truth.

`CASES` holds them by name; verify.py runs `tsconv check` on one and judges what it says.
"""

from tests.helpers.corpus import clocks, dates, files, layouts, numbers, time_columns, traps

_MODULES = (layouts, clocks, time_columns, dates, numbers, files, traps)
CASES = {name: case for module in _MODULES for name, case in module.CASES.items()}
