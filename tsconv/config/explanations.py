"""The keys of `conf/` with the comments that explain them: what help and completion show.

The YAML files are read as text: their comments are the only place where keys are explained. A key
stands at the start of a line, in quotes where YAML would take it for a truth value, its explanation
behind a `#` and on the comment lines below it. The comment lines at the top of a file explain the
file.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path

from tsconv.config.folder import config_folder

_KEY = re.compile(r"^\"?(\w+)\"?:(?:\s+(.*?))??\s*(?:\s#\s*(.*))?$")
_DEFAULT = re.compile(r"^  - (\w+)(?:: *(\w+))?\s*(?:#\s*(.*))?$")
_NESTED = re.compile(r"^  (\w+):")
_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z]|tsconv )")
_MORE = re.compile(r"^\s+#\s*(.*)$")


@dataclasses.dataclass(frozen=True)
class Key:
    """A key of a config, its default as the YAML spells it, and its explanation ("" for none)."""

    name: str
    default: str
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Section:
    """The keys of a root config itself, or of one of its groups."""

    group: str  # "" for the keys of the root
    keys: tuple[Key, ...]
    text: str = ""  # what the group is
    option: str = ""  # which file of the group is the default
    options: tuple[str, ...] = ()  # the files to choose from, where there are several


@dataclasses.dataclass(frozen=True)
class _File:
    """One YAML file: what stands above its keys, its list of defaults, and the keys."""

    heading: str
    defaults: tuple[Key, ...]
    keys: tuple[Key, ...]
    data_keys: frozenset[str]  # listed below `data:`


def sections(command: str) -> list[Section]:
    """The keys that a command takes, root first, then group by group in the order of `conf/`.

    >>> [s.group for s in sections("train")][:3]
    ['', 'data', 'split']
    >>> sections("train")[0].keys[0].text
    'steps to forecast from each origin; must be given'
    """
    root = _read(config_folder() / f"{command}.yaml")
    found = [Section("", root.keys)]
    if root.data_keys:  # those of a training, each unset
        data = _group("data", "default", "the file and its columns; unset keys are the bundle's")
        taken = tuple(
            dataclasses.replace(key, default="???")
            for key in data.keys
            if key.name.removeprefix("data.") in root.data_keys
        )
        found.append(dataclasses.replace(data, keys=taken))
    for entry in root.defaults:
        if entry.default:
            found.append(_group(entry.name, entry.default, entry.text))
        elif entry.name != "_self_":  # another root, which this one adds to
            found += sections(entry.name)
    own: dict[str, Key] = {}
    for section in found:
        if not section.group:
            own |= {key.name: key for key in section.keys if key.name not in own}
    return [Section("", tuple(own.values())), *(s for s in found if s.group)]


def option_text(group: str, option: str) -> str:
    """What a file of a group says of itself: the first sentence at its top, else its first key's.

    >>> option_text("head", "point")
    'One number a step, no intervals.'
    """
    file = _read(config_folder() / group / f"{option}.yaml")
    return _SENTENCE_END.split(file.heading)[0] or (file.keys[0].text if file.keys else "")


def _group(group: str, option: str, text: str) -> Section:
    folder = config_folder() / group
    options = tuple(sorted(path.stem for path in folder.glob("*.yaml")))
    keys: tuple[Key, ...] = ()
    holds_others = group in ("experiment", "search_space")  # keys of other groups
    if option != "null" and not holds_others:
        file = _read(folder / f"{option}.yaml")
        keys = tuple(dataclasses.replace(k, name=f"{group}.{k.name}") for k in file.keys)
    return Section(group, keys, text, option, options if len(options) > 1 else ())


@functools.cache
def _read(path: Path) -> _File:
    heading: list[str] = []
    defaults: list[Key] = []
    keys: list[Key] = []
    data_keys: set[str] = set()
    block = "top"  # what the lines read belong to
    for line in path.read_text(encoding="utf-8").splitlines():
        entry, more, key = _DEFAULT.match(line), _MORE.match(line), _KEY.match(line)
        if "@package" in line:
            continue
        if line.startswith("#") and block == "top":
            heading.append(line.lstrip("# "))
        elif key:
            block = "keys" if key[1] not in ("defaults", "hydra", "data") else key[1]
            if block == "keys":
                keys.append(Key(key[1], (key[2] or "").strip(), key[3] or ""))
        elif more and block == "keys":
            keys[-1] = dataclasses.replace(keys[-1], text=f"{keys[-1].text} {more[1]}")
        elif entry and block == "defaults":
            defaults.append(Key(entry[1], entry[2] or "", entry[3] or ""))
        elif block == "data" and (nested := _NESTED.match(line)):
            data_keys.add(nested[1])
        elif line.startswith("#"):
            block = "comment"  # of the lines below it, not of the key above
    return _File(" ".join(heading), tuple(defaults), tuple(keys), frozenset(data_keys))
