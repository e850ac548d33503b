"""config.json of a bundle: read strictly, and sealed with a checksum of itself.

The checksum is that of the values, not of the text: indentation and the order of keys are free, and
any other change shows. It is no signature: it tells an accident or an edit, not a forger.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tsconv.errors import BundleError
from tsconv.forecasting.bundles.checks import entry, shown

CONFIG = "config.json"
CHECKSUMS = "checksums"  # its group of SHA-256, by the name of the file


def read_values(path: Path) -> dict[str, Any]:
    """The values of a config.json, read once; raises OSError, and BundleError for what is no JSON.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "config.json"
    >>> _ = path.write_text('{"format": 3, "format": 1}')
    >>> read_values(path)
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: config.json: the key `format` stands there twice
    """
    try:
        values = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise BundleError(f"{CONFIG}: byte {error.start} is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BundleError(f"{CONFIG} is not JSON: {error.msg} at {where}") from error
    except RecursionError as error:
        raise BundleError(f"{CONFIG} is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise BundleError(f"{CONFIG}: {shown(error, 100)}") from error
    if not isinstance(values, dict):
        raise BundleError(f"{CONFIG} holds {shown(values)} instead of keys and values")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BundleError(f"{CONFIG}: the key `{shown(twice)}` stands there twice")
    return values


def sealed_text(values: dict[str, Any], files: dict[str, str]) -> str:
    """The text of config.json, with the checksums of the other files and of itself.

    values: plain, finite and without checksums. files: SHA-256 in hexadecimal, by name.

    >>> text = sealed_text({"format": 3}, {"model.safetensors": "ab"})
    >>> require_seal(json.loads(text))
    {'model.safetensors': 'ab'}
    """
    # As it will be read: keys are texts then, and tuples lists.
    plain: dict[str, Any] = json.loads(json.dumps(values, allow_nan=False))
    plain[CHECKSUMS] = files
    plain[CHECKSUMS] = {CONFIG: _checksum(plain), **files}
    return json.dumps(plain, indent=2) + "\n"


def require_seal(values: dict[str, Any]) -> dict[str, str]:
    """The checksums of the other files; raises BundleError where config.json was changed.

    >>> import json
    >>> changed = json.loads(sealed_text({"season": 7}, {})) | {"season": 24}
    >>> require_seal(changed)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.BundleError: config.json was changed after it was written (its checksum ...
    """
    found = dict(entry(values, CHECKSUMS, dict))
    for name in found:
        entry(found, name, str, CHECKSUMS)
    own = entry(found, CONFIG, str, CHECKSUMS)
    del found[CONFIG]
    try:
        right = own == _checksum({**values, CHECKSUMS: found})
    except ValueError:  # a number beyond all floats, which JSON can spell and we do not write
        right = False
    if not right:
        raise BundleError(
            f"{CONFIG} was changed after it was written (its checksum differs): put back the "
            f"file that `tsconv train` wrote, or train again with other settings"
        )
    return found


def _checksum(values: dict[str, Any]) -> str:
    """The SHA-256 of values in one spelling."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
