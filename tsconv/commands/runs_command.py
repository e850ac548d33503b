"""`tsconv runs`: the runs of a folder as a table, and the removal of those that are of no use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tsconv.commands.printing import remark, say
from tsconv.errors import ConfigError, nearest


def runs_command(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Print the runs of a folder; with `clean`, remove the failed ones after asking."""
    words = [word for word in overrides if "=" not in word]
    for word in words:
        if word != "clean":
            raise ConfigError(
                f"`tsconv runs {word}`: no such word{nearest(word, ['clean'])}; give none, or clean"
            )
    from tsconv.config.compose import runs_config

    config = runs_config([o for o in overrides if "=" in o], config_dir)
    from tsconv.runs.listing import find_runs, runs_text

    root = Path(config.dir)
    if words:
        _clean(root, config.yes)
    else:
        say(runs_text(find_runs(root), root))


def _clean(root: Path, yes: bool) -> None:
    """Show the runs to remove, ask, and remove them."""
    from tsconv.runs.clean import removable, remove_run
    from tsconv.runs.listing import find_runs, runs_text
    from tsconv.text import plural

    runs = removable(find_runs(root))
    if not runs:
        say(f"nothing to remove in {root}: no run failed or was killed with nothing to resume")
        return
    say(runs_text(runs, root))
    if not yes and not _agreed(f"remove {plural(len(runs), 'run folder')}?"):
        say("nothing was removed")
        return
    kept = []
    for run in runs:
        try:
            remove_run(run.folder)
        except ConfigError as error:
            kept.append(str(error))
            remark(f"note: {error}")
    say(f"removed {plural(len(runs) - len(kept), 'run folder')}")


def _agreed(question: str) -> bool:
    """Ask in the terminal; raises ConfigError where there is none."""
    if not sys.stdin.isatty():
        raise ConfigError("`tsconv runs clean` asks first, and here is no terminal: set yes=true")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
