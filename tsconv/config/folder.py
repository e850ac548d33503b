"""Where the YAML files of the configuration lie, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path


def config_folder() -> Path:
    """`conf/` of the checkout that this file lies in, else the copy that ships in the wheel.

    >>> (config_folder() / "train.yaml").is_file()
    True
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "conf" / "train.yaml").is_file():
        return checkout / "conf"
    return package / "conf"


def group_names() -> set[str]:
    """The groups of `conf/`: an override of one of these names chooses a file of the group.

    >>> sorted(group_names())[:3]
    ['backtest', 'callbacks', 'conformal']
    """
    return {path.name for path in config_folder().iterdir() if path.is_dir()}
