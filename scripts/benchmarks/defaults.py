"""The default training on everything at hand, beside simple forecasts, AutoETS and AutoTheta.

    python scripts/benchmarks/defaults.py [--data FOLDER] [--anchors FOLDER] [--cases NAME,...]
        [--seeds 0 1 2] [--fits 100] [--output table.csv] [-- budget=60s ...]

Each case gets the columns and the horizon that a user would give, and a split only where the
literature fixes one; what follows `--` are overrides of all. --data has folders ett/, tourism/,
beijing_air/ and m4_hourly/, of which some may be absent; the repository's own data and made-up
panels are always there. --anchors has tables of published results, longterm.csv and m4.csv.

mse and mae are on standardised values, over every origin of the test part. /rival and /naive are
ratios of mae to that of the best simple forecast on validation and to that of seasonal naive: below
1, the default is better. The second mase is that of the default at the origins of AutoETS and
AutoTheta (statsforecast, where it is installed): some series, `stride` steps apart, --fits in all.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from default_training.cases import all_cases, pick_cases, split_absent
from default_training.scores import Comparison, Scores, run_case
from default_training.table import head_line, score_line, summary_lines, write_scores

from tsconv.training.panel_cache import PanelCache


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options; `overrides` are what follows `--`."""
    about, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="published data sets")
    parser.add_argument("--anchors", type=Path, metavar="FOLDER", help="published results")
    parser.add_argument("--cases", metavar="NAME,...", help="cases or groups of them; all if none")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--fits", type=int, default=100, help="of a statistical model in a case")
    parser.add_argument("--history", type=int, default=1000, help="steps that it is fitted to")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a .csv or .json file")
    parser.add_argument("--list", action="store_true", help="name the cases and train nothing")
    parser.add_argument("overrides", nargs="*", help="after --: keys of the training")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no log: they are for the user of the data, not for the table."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def main(arguments: list[str] | None = None) -> int:
    """Train the cases one after the other and print the table.

    Returns the exit code: 1 where one failed or Ctrl-C came, 2 where there is no such case.
    """
    options = parse(arguments)
    try:
        picked = pick_cases(all_cases(options.data), options.cases)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    cases, absent = split_absent(picked)
    for pattern in absent:
        print(f"no file {pattern}: skipped")
    if options.list:
        print("\n".join(f"{case.name:<20}{case.group}" for case in cases))
        return 0
    comparison = Comparison(options.anchors, options.fits, options.history)
    scores: list[Scores] = []
    print(head_line())
    with quiet(), PanelCache() as cache, contextlib.suppress(KeyboardInterrupt):
        for case, seed in itertools.product(cases, options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                scores.append(
                    run_case(case, seed, options.overrides, cache, Path(folder), comparison)
                )
            print(score_line(scores[-1]), flush=True)
            if options.output is not None:  # after each case, so that none is lost
                write_scores(scores, options.output)
    for line in summary_lines(scores):
        print(line)
    missing = len(cases) * len(options.seeds) - len(scores)
    if missing:
        print(f"interrupted, {missing} of the trainings not done")
    return int(missing > 0 or any("error" in case for case in scores))


if __name__ == "__main__":
    sys.exit(main())
