"""Python values on their way between ranks: tensors by torch.distributed, the rest pickled.

A panel is gigabytes of tensors and a few small objects. Pickled as a whole it would stand in memory
three times; here each tensor and array is sent from where it lies, and a tensor that is mapped from
a file as the name of the file.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from tsconv.data.mapped import MappedFile, mapped_file

_MOST_BYTES = 2**28  # in one message


@dataclasses.dataclass(frozen=True)
class _Layout:
    """What the receiver makes room for: the shapes of tensors, the bytes of other buffers."""

    tensors: list[tuple[torch.Size, torch.dtype]]
    buffers: list[int]
    pickled: int


class _Pickler(pickle.Pickler):
    """Leaves tensors out of the stream; arrays go into buffers beside it."""

    def __init__(self, file: io.BytesIO, buffers: list[pickle.PickleBuffer]) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffers.append)
        self.tensors: list[Tensor] = []

    def persistent_id(self, obj: Any) -> int | MappedFile | None:
        if type(obj) is not Tensor or obj.is_sparse:
            return None
        if (file := mapped_file(obj)) is not None:  # which the receiver maps too
            return file
        self.tensors.append(obj.detach())
        return len(self.tensors) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, buffers: list[Any], tensors: list[Tensor]) -> None:
        super().__init__(file, buffers=buffers)
        self.tensors = tensors

    def persistent_load(self, pid: int | MappedFile) -> Tensor:
        return pid.map() if isinstance(pid, MappedFile) else self.tensors[pid]


@dataclasses.dataclass
class Packed:
    """A value taken apart into messages, each a flat tensor of bytes on the CPU."""

    layout: _Layout
    messages: list[Tensor]

    @staticmethod
    def pack(value: Any) -> Packed:
        """Take a value apart. Tensors arrive on the CPU, as copies that share no memory.

        >>> Packed.pack({"x": torch.arange(3), "y": "text"}).unpack()
        {'x': tensor([0, 1, 2]), 'y': 'text'}
        """
        stream, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
        pickler = _Pickler(stream, buffers)
        pickler.dump(value)
        tensors = [t.cpu().contiguous() for t in pickler.tensors]
        raw = [b.raw() for b in buffers]
        layout = _Layout(
            [(t.shape, t.dtype) for t in tensors], [len(b) for b in raw], stream.tell()
        )
        messages = [
            _bytes_of(bytearray(stream.getvalue())),
            *(_bytes_of(b) for b in raw),
            *(t.view(-1).view(torch.uint8) if t.numel() else _bytes_of(b"") for t in tensors),
        ]
        return Packed(layout, messages)

    @staticmethod
    def room_for(layout: _Layout) -> Packed:
        """Empty messages of a layout, to be received into."""
        sizes = [layout.pickled, *layout.buffers]
        sizes += [shape.numel() * dtype.itemsize for shape, dtype in layout.tensors]
        return Packed(layout, [torch.empty(size, dtype=torch.uint8) for size in sizes])

    def unpack(self) -> Any:
        """Put the value together again."""
        n_buffers = len(self.layout.buffers)
        buffers = [m.numpy() for m in self.messages[1 : 1 + n_buffers]]
        tensors = [
            m.view(dtype).view(shape) if m.numel() else torch.empty(shape, dtype=dtype)
            for m, (shape, dtype) in zip(
                self.messages[1 + n_buffers :], self.layout.tensors, strict=True
            )
        ]
        stream = io.BytesIO(self.messages[0].numpy().tobytes())
        return _Unpickler(stream, buffers, tensors).load()


def broadcast(value: Any, is_source: bool) -> Any:
    """Return rank 0's value on every rank; what the others give is not looked at.

    It is unpickled there: only processes of one job may share a group.
    """
    packed = Packed.pack(value) if is_source else None
    layout = [None if packed is None else packed.layout]
    dist.broadcast_object_list(layout, src=0, device=torch.device("cpu"))
    if packed is None:
        assert layout[0] is not None
        packed = Packed.room_for(layout[0])
    for message in packed.messages:
        for part in torch.split(message, _MOST_BYTES):
            if part.numel():
                dist.broadcast(part, src=0)
    return value if is_source else packed.unpack()


def gather(value: Any, rank: int, size: int) -> list[Any] | None:
    """Return the values of all ranks in their order on rank 0, None elsewhere."""
    if rank > 0:
        packed = Packed.pack(value)
        dist.send_object_list([packed.layout], dst=0, device=torch.device("cpu"))
        for message in packed.messages:
            for part in torch.split(message, _MOST_BYTES):
                if part.numel():
                    dist.send(part, dst=0)
        return None
    values = [value]
    for source in range(1, size):
        layout: list[Any] = [None]
        dist.recv_object_list(layout, src=source, device=torch.device("cpu"))
        packed = Packed.room_for(layout[0])
        for message in packed.messages:
            for part in torch.split(message, _MOST_BYTES):
                if part.numel():
                    dist.recv(part, src=source)
        values.append(packed.unpack())
    return values


def _bytes_of(buffer: bytes | bytearray | memoryview) -> Tensor:
    """A flat tensor over a buffer; a copy where it cannot be written to."""
    if len(buffer) == 0:
        return torch.empty(0, dtype=torch.uint8)
    if memoryview(buffer).readonly:
        buffer = bytearray(buffer)
    return torch.frombuffer(buffer, dtype=torch.uint8)
