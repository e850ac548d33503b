"""Trying the command that a check ends with: it is read as a shell and as training would."""

from __future__ import annotations

import dataclasses

from tsconv.check.train_command import parse_command
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig, TrainConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import read_table
from tsconv.errors import TsconvError
from tsconv.training.prepare import check_config, prepare


def verify_command(
    command: str, read: DataConfig, panel: Panel, prepared: TrainConfig | None
) -> TsconvError | None:
    """Take a command up to the first step of its training; return the error that it meets.

    read, panel: the `data` that was read already, and its panel; the files are read again only
    where the command differs from it. prepared: the config with which a training on this panel was
    prepared without an error; None where there is none.
    """
    try:
        overrides, config_dir = parse_command(command)
        config = check_config(train_config(overrides, config_dir))
        bounds_as_read = {"lower": read.lower, "upper": read.upper}
        if dataclasses.replace(config.data, **bounds_as_read) != read:
            panel = build_panel(read_table(config.data), config.data.freq)
        plain = dataclasses.replace(config, resume=None, run_dir=None)
        if prepared is None or plain != prepared:
            prepare(plain, panel)
    except TsconvError as error:
        return error
    return None
