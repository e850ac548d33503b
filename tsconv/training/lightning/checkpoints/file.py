"""The file of a checkpoint: written whole, with a checksum, beside the one before.

It is what `torch.save` writes, plain tensors and values, with the SHA-256 of all before it as the
comment of its ZIP archive: `torch.load` reads it as any other.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import torch
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO

from tsconv.atomic_write import replace_by_link, replace_file
from tsconv.errors import BundleError, TrainingError

_LABEL = b"sha256:"
_COMMENT = len(_LABEL) + 64  # bytes
_END, _END_BYTES = b"PK\x05\x06", 22  # of a ZIP archive: the record whose last two bytes say how
_LENGTH_BYTES = 2  # long the comment is that follows
_CHUNK = 1 << 20


class CheckedCheckpoints(CheckpointIO):
    """Writes and reads the checkpoints of Lightning's Trainer; see the functions of this module."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        write_checkpoint(checkpoint, Path(path))

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def write_checkpoint(checkpoint: dict[str, Any], path: Path) -> None:
    """Write a checkpoint in place of an earlier one, which stays beside it as the previous one.

    At every moment one of them is there and whole. Raises OSError, and TrainingError for a tensor
    of weights, averages or moments that is not finite: nothing is written then.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "last.ckpt"
    >>> write_checkpoint({"state_dict": {"net.bias": torch.zeros(2)}, "global_step": 7}, path)
    >>> read_checkpoint(path)["global_step"]
    7
    """
    _require_finite(checkpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as temporary, temporary.open("wb") as file:
        writer = _HashingWriter(file)
        try:
            torch.save(checkpoint, cast("IO[bytes]", writer))
        except RuntimeError:  # what torch makes of an error in writing
            if writer.fault is not None:
                raise writer.fault from None
            raise
        digest = writer.digest_with_comment_length()
        file.seek(-_LENGTH_BYTES, os.SEEK_END)
        file.write(_COMMENT.to_bytes(_LENGTH_BYTES, "little") + _LABEL + digest.encode())
        _keep_previous(path)


def previous_path(path: Path) -> Path:
    """Where the checkpoint before lies.

    >>> previous_path(Path("checkpoints/last.ckpt")).as_posix()
    'checkpoints/previous.ckpt'
    """
    return path.with_name("previous.ckpt")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU: tensors and plain values, nothing in it is executed.

    Raises BundleError where it is not as it was written, or holds anything else; OSError.
    """
    _check(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        return {**checkpoint, "global_step": int(checkpoint["global_step"])}
    except (
        RuntimeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        AssertionError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise BundleError(f"{path} is damaged: {type(error).__name__}: {reason}") from error


def _check(path: Path) -> None:
    """Raise BundleError where a file differs from what was written; earlier versions' say nothing.

    Theirs have no comment.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        end = _tail(file, size, _END_BYTES)
        if end.startswith(_END) and end[-_LENGTH_BYTES:] == bytes(_LENGTH_BYTES):
            return
        tail = _tail(file, size, _END_BYTES + _COMMENT)
        comment = tail[_END_BYTES:]
        if not tail.startswith(_END) or not comment.startswith(_LABEL):
            raise BundleError(f"{path} is damaged: it is not whole")
        file.seek(0)
        found = hashlib.sha256()
        for chunk in _chunks(file, size - _COMMENT):
            found.update(chunk)
    if comment != _LABEL + found.hexdigest().encode():
        raise BundleError(f"{path} is damaged: its content does not have the checksum in it")


def _tail(file: IO[bytes], size: int, count: int) -> bytes:
    file.seek(max(0, size - count))
    return file.read(count)


def _chunks(file: IO[bytes], count: int) -> Iterator[bytes]:
    while count > 0 and (chunk := file.read(min(count, _CHUNK))):
        count -= len(chunk)
        yield chunk


class _HashingWriter:
    """What torch.save writes to: it hashes all but the last bytes, which will be changed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.fault = file, None
        self._hash = hashlib.sha256()
        self._last = b""

    fault: OSError | None

    def write(self, data: Any) -> int:
        content = self._last + bytes(data)
        self._hash.update(content[:-_LENGTH_BYTES])
        self._last = content[-_LENGTH_BYTES:]
        try:
            return self.file.write(data)
        except OSError as error:
            self.fault = error
            raise

    def flush(self) -> None:
        self.file.flush()

    def digest_with_comment_length(self) -> str:
        """The SHA-256 of what was written, once its last bytes say how long the comment is."""
        self._hash.update(_COMMENT.to_bytes(_LENGTH_BYTES, "little"))
        return self._hash.hexdigest()


def _keep_previous(path: Path) -> None:
    """Give the checkpoint that is there a second name, which it keeps when it is replaced."""
    if path.is_file():
        replace_by_link(path, previous_path(path))


def _require_finite(checkpoint: dict[str, Any]) -> None:
    """Raise TrainingError where a tensor that training goes on with holds NaN or infinity."""
    parts = [checkpoint.get(key) for key in ("state_dict", "optimizer_states")]
    average = checkpoint.get("callbacks", {}).get("AveragedWeights", {})
    parts += [average.get(key) for key in ("average", "best")]
    for name, tensor in _tensors(parts):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise TrainingError(
                f"`{name}` is not finite at step {checkpoint.get('global_step')}: no checkpoint is "
                f"written; lower `optimizer.lr`, or set `trainer.gradient_clip_val`"
            )


def _tensors(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in a tree of dicts and lists, with the last name that leads to it."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _tensors(part, str(key))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part, name)
