"""`tsconv bundle inspect PATH`: what a bundle holds, for a person."""

from __future__ import annotations

from collections.abc import Sequence

from tsconv.commands.printing import say
from tsconv.errors import ConfigError, nearest

ACTIONS = ("inspect",)
USAGE = """\
tsconv bundle inspect PATH prints what a bundle forecasts, what it was trained on and how well,
its networks, its intervals and its files, whose checksums it compares. PATH is a bundle or a run
folder.

  tsconv bundle inspect runs/first

A damaged bundle ends with one line that says what is wrong, and exit code 1.
"""


def bundle_command(arguments: Sequence[str], config_dir: str | None = None) -> None:
    """Print all of a bundle; raises ConfigError for other arguments, BundleError for damage."""
    if not arguments:
        print(USAGE, end="")
        return
    action, *paths = arguments
    if action not in ACTIONS:
        raise ConfigError(
            f"`tsconv bundle {action}`: no such action{nearest(action, ACTIONS)}; "
            f"`tsconv bundle inspect PATH` prints what a bundle holds"
        )
    if len(paths) != 1:
        raise ConfigError(
            "`tsconv bundle inspect` takes one path: tsconv bundle inspect runs/first/bundle"
        )
    from tsconv.forecasting.bundles.bundle import read_bundle
    from tsconv.output.bundle_text import bundle_text

    say(bundle_text(*read_bundle(paths[0])))
