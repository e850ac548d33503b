"""What Hydra and OmegaConf say of a fault, in one line without their technical tails."""

from __future__ import annotations

import re

from omegaconf.errors import OmegaConfBaseException

_NOISE = ("full_key", "object_type", "reference_type", "See https", "Config search path")


def describe_error(error: Exception) -> str:
    """The message of an exception of Hydra or OmegaConf, in one line.

    >>> from omegaconf import OmegaConf
    >>> try:
    ...     OmegaConf.create({"lr": "${base_lr}"}).lr
    ... except OmegaConfBaseException as error:
    ...     describe_error(error)
    "Interpolation key 'base_lr' not found"
    """
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(_NOISE)]
    for at, line in enumerate(kept):
        if line.startswith("Available options"):
            names = [k for k in kept[at + 1 :] if not k.startswith(("provider", "\t"))]
            found = re.sub(r"^In '\w+': ", "", " ".join(kept[:at]))
            return f"{found}; available: {', '.join(names)}"
    if "is not a ListConfig" in kept[0]:
        return "expected a list, e.g. [a, b]"
    return " ".join(kept[:3])
