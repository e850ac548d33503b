"""The check on files of the wild: what its last line reads, beside the truth.

    python scripts/benchmarks/check_corpus.py [--train | --quick] [--only NAME] [--keep FOLDER]

Each file of tests/helpers/corpus is written from known series. `tsconv check` looks at it; the
command that it ends with is read as training would read it, and every series, time and value is
compared. A file that no command can read has to be refused with the reason. --train also trains a
step by each command, otherwise by every fifth; --quick by none. Exit code 1 where any is wrong.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.helpers.corpus import CASES
from tests.helpers.corpus.verify import try_case

_SOME = 5  # one in so many is trained on where not all are


def main() -> int:
    """Try the cases and print what became of each; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train by each command")
    parser.add_argument("--quick", action="store_true", help="train by none")
    parser.add_argument("--only", metavar="NAME", help="cases whose names contain this")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the files there")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    cases = [c for name, c in CASES.items() if options.only is None or options.only in name]
    begun, right, refused = time.perf_counter(), 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        home = options.keep or Path(temporary)
        for number, case in enumerate(cases):
            folder = home / case.name
            folder.mkdir(parents=True, exist_ok=True)
            train = options.train or (number % _SOME == 0 and not options.quick)
            outcome = try_case(case, folder, train)
            right += outcome.right
            refused += outcome.right and outcome.what.startswith("refused")
            mark = "right" if outcome.right else "WRONG"
            print(f"{mark}  {case.name:<48}  {outcome.what}", flush=True)
    print(
        f"{right} of {len(cases)} right: {right - refused} read as the truth, {refused} refused "
        f"with the reason ({time.perf_counter() - begun:.0f} s)"
    )
    return int(right < len(cases))


if __name__ == "__main__":
    sys.exit(main())
