"""Overrides, `key=value` on the command line: quoting, several values a key, keys that exist.

The grammar is Hydra's: https://hydra.cc/docs/advanced/override_grammar/basic/.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException

from tsconv.config.folder import config_folder, group_names
from tsconv.config.messages import describe_error
from tsconv.errors import ConfigError, nearest

# Keys whose values are taken as they are typed: paths, names of columns, formats.
_LITERAL_KEYS = (
    "data.path", "data.row_from_file", "data.id_from_file", "data.id", "data.row", "data.sep",
    "data.decimal", "data.thousands", "data.sheet", "data.time_format", "data.timezone",
    "data.future_path", "bundle", "output", "template", "plot", "start", "last", "series",
    "run_dir", "resume", "sweep.storage",
)  # fmt: skip
_LITERAL_LISTS = ("data.id", "series")  # those of them that may be lists: [store,item]
_LITERAL_MAPPINGS = ("data.lower", "data.upper")  # {any name: 0}: read by tsconv/data/bounds.py
_LIST_ITEM = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^,]+"
_UNCHECKED_GROUPS = ("trainer", "search_space")  # whoever reads them checks their keys


def format_overrides(settings: Mapping[str, Any]) -> list[str]:
    """Python values as overrides, quoted where the grammar asks for it.

    >>> format_overrides({"horizon": 28, "data.id": None, "data.target": ["a b", "c"]})
    ['horizon=28', 'data.id=null', "data.target=['a b','c']"]
    """
    return [f"{key}={_format_value(value)}" for key, value in settings.items()]


def _format_value(value: Any) -> str:
    if value is None:
        return "null"
    if hasattr(value, "tolist"):  # numbers and arrays of numpy, an index of pandas
        value = value.tolist()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(_format_value(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{_format_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (int, float)):
        return repr(value)
    # Hydra's grammar: a backslash is itself, but before a quote, where it must be doubled.
    text = re.sub(r"(\\*)('|$)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), str(value))
    return f"'{text}'"


def quote_literals(overrides: Iterable[str]) -> list[str]:
    """Quote paths, column names and formats, so that spaces, brackets and `=` in them do no harm.

    >>> quote_literals(["data.path=my sales (2024).csv", "seed=1"])
    ["data.path='my sales (2024).csv'", 'seed=1']
    >>> quote_literals(["data.id=[store (no),item]"])
    ["data.id=['store (no)','item']"]
    >>> quote_literals(["data.lower={rain (mm): 0}"])
    ["data.lower='{rain (mm): 0}'"]
    """
    return [_quote_literal(override) for override in overrides]


def _quote_literal(override: str) -> str:
    if override.startswith("+experiment="):  # the root config has the key: nothing is to be added
        override = override[1:]
    key, _, value = override.partition("=")
    quoted = len(value) > 1 and value[0] in "'\""
    if key in _LITERAL_MAPPINGS and value[:1] == "{":
        return f"{key}={_format_value(value)}"
    if key not in _LITERAL_KEYS or not value or value == "null" or quoted:
        return override
    if key in _LITERAL_LISTS and value[0] == "[" and value[-1] == "]":
        items = re.findall(_LIST_ITEM, value[1:-1])
        names = (i if i[0] in "'\"" else _format_value(i) for i in map(str.strip, items) if i)
        return f"{key}=[{','.join(names)}]"
    return f"{key}={_format_value(value)}"


def expand_jobs(overrides: Sequence[str]) -> list[list[str]]:
    """The jobs of a multirun: every combination of the overrides that have several values.

    Several values are written a=1,2 or a=choice(1,2), a=range(1,4), group=glob(*). Raises
    ConfigError where an override does not follow the grammar, and for an interval.

    >>> expand_jobs(["horizon=7", "seed=0,1"])
    [['horizon=7', 'seed=0'], ['horizon=7', 'seed=1']]
    """
    try:
        parsed = _parse(quote_literals(overrides))
        return [list(job) for job in itertools.product(*(_list_values(o) for o in parsed))]
    except HydraException as error:
        raise ConfigError(describe_error(error)) from error


def _list_values(override: Override) -> list[str]:
    """An override for each of its values."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    key = override.get_key_element()
    value = override.value()
    if isinstance(value, Glob):
        names = sorted(p.stem for p in (config_folder() / override.key_or_group).glob("*.yaml"))
        return [f"{key}={name}" for name in value.filter(names)]
    if override.is_interval_sweep():
        raise ConfigError(
            f"`{override.input_line}`: an interval holds too many values to train with each; let "
            f"`tsconv sweep` search it"
        )
    return [f"{key}={v}" for v in override.sweep_string_iterator()]


def check_keys(base: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Raise ConfigError for an override of a key that `base` lacks, naming the nearest it has.

    base: the composed config as plain containers. An override with several values is refused too.
    """
    keys = []
    for override in _parse(overrides):
        if override.is_sweep_override():
            raise ConfigError(
                f"`{override.input_line}`: several values for one key; give one, or -m to "
                f"train with each"
            )
        key = override.key_or_group.lstrip("/").replace("/", ".")
        if key.split(".")[0] == "hydra":  # its search path could import a package
            raise ConfigError(f"`{override.input_line}`: keys of Hydra itself are not taken")
        if not override.is_add():
            keys.append(key)
    check_names(base, keys)


def check_names(base: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Raise ConfigError for a key that `base` lacks, naming the nearest one that it has.

    base: the composed config as plain containers. keys: with dots, or names of groups.

    >>> check_names({"seed": 0}, ["sed"])
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: unknown config key `sed` (did you mean `seed`?)
    """
    known = flat_keys(base) | group_names()
    for key in keys:
        if key not in known and key.split(".")[0] not in _UNCHECKED_GROUPS:
            raise ConfigError(f"unknown config key `{key}`{_suggest_key(key, known)}")


def _suggest_key(key: str, names: set[str]) -> str:
    """Return " (did you mean `x`?)", also for the right last part in the wrong group."""
    found = nearest(key, names)
    if not found:
        last = {name.split(".")[-1]: name for name in sorted(names)}
        close = difflib.get_close_matches(key.split(".")[-1], list(last), n=1, cutoff=0.7)
        found = f" (did you mean `{last[close[0]]}`?)" if close else ""
    return found


def allow_new_keys(overrides: Iterable[str], trainer_keys: Iterable[str]) -> list[str]:
    """Let overrides add keys where any may be: Trainer arguments not listed, ranges of a search.

    >>> allow_new_keys(["trainer.max_steps=5", "trainer.profiler=simple"], ["max_steps"])
    ['trainer.max_steps=5', '++trainer.profiler=simple']
    """
    listed = set(trainer_keys)
    out = []
    for override in overrides:
        key = override.partition("=")[0]
        added = key.startswith("trainer.") and key.removeprefix("trainer.") not in listed
        out.append(f"++{override}" if added or key.startswith("search_space.") else override)
    return out


def flat_keys(tree: Mapping[str, Any], prefix: str = "") -> set[str]:
    """All keys of nested mappings, with dots between them, inner nodes too.

    >>> sorted(flat_keys({"seed": 0, "data": {"path": None}}))
    ['data', 'data.path', 'seed']
    """
    keys = set()
    for name, value in tree.items():
        keys.add(prefix + str(name))
        if isinstance(value, dict):
            keys |= flat_keys(value, f"{prefix}{name}.")
    return keys


def flat_values(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested mappings by their keys with dots; an empty mapping stays a value.

    >>> flat_values({"seed": 0, "data": {"path": None}, "trainer": {}})
    {'seed': 0, 'data.path': None, 'trainer': {}}
    """
    out: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            out |= flat_values(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out


def _parse(overrides: Sequence[str]) -> list[Override]:
    return list(OverridesParser.create().parse_overrides(overrides=list(overrides)))
