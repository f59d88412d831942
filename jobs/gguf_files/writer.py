"""Writes a GGUF file, one tensor after the other: a model need not fit into the memory."""

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedWriter
from itertools import accumulate
from pathlib import Path

import numpy as np

from gguf_files.header import ALIGNMENT, LIST, MAGIC, NUMBERS, TEXT, Tensor, aligned
from gguf_files.kinds import Array, Kind, quantize

Value = str | bool | int | float | Sequence[str] | Sequence[int] | Sequence[float]

_VERSION = 3
_TYPES: Mapping[type, int] = {bool: 7, int: 4, float: 6, str: TEXT}
_INT32 = 5  # of lists, as llama.cpp's converters write them
_VALUES_AT_ONCE = 2**22  # by a thread


def write_gguf(
    target: Path,
    metadata: Mapping[str, Value],
    described: Mapping[str, tuple[tuple[int, ...], Kind]],
    tensors: Iterable[Array],
) -> None:
    """Write the metadata, and tensors of the described names, shapes and types, in their order."""
    with target.open("wb") as file:
        file.write(MAGIC + struct.pack("<IQQ", _VERSION, len(described), len(metadata)))
        for name, value in metadata.items():
            file.write(_text(name) + _typed(value))
        for tensor in _placed(described):
            dimensions = tensor.shape[::-1]
            file.write(_text(tensor.name) + struct.pack("<I", len(dimensions)))
            file.write(struct.pack(f"<{len(dimensions)}Q", *dimensions))
            file.write(struct.pack("<IQ", tensor.kind, tensor.offset))
        _fill(file)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for (_, kind), values in zip(described.values(), tensors, strict=True):
                rows = np.array_split(values, -(-values.size // _VALUES_AT_ONCE))
                for content in pool.map(quantize, rows, [kind] * len(rows)):
                    file.write(content.tobytes())
                _fill(file)


def _placed(described: Mapping[str, tuple[tuple[int, ...], Kind]]) -> list[Tensor]:
    without = [Tensor(name, shape, kind, 0) for name, (shape, kind) in described.items()]
    ends = accumulate((aligned(each.size, ALIGNMENT) for each in without), initial=0)
    return [
        Tensor(each.name, each.shape, each.kind, end)
        for each, end in zip(without, ends, strict=False)
    ]


def _fill(file: BufferedWriter) -> None:
    file.write(b"\0" * (aligned(file.tell(), ALIGNMENT) - file.tell()))


def _text(text: str) -> bytes:
    written = text.encode()
    return struct.pack("<Q", len(written)) + written


def _typed(value: Value) -> bytes:
    if isinstance(value, str | bool | int | float):
        kind = _TYPES[type(value)]
        return struct.pack("<I", kind) + _plain(value, kind)
    of = _TYPES[type(value[0])]
    kind = _INT32 if of == _TYPES[int] else of
    head = struct.pack("<IIQ", LIST, kind, len(value))
    if kind != TEXT:
        return head + struct.pack(f"<{len(value)}{NUMBERS[kind]}", *value)
    return head + b"".join(_plain(each, kind) for each in value)


def _plain(value: str | float, kind: int) -> bytes:
    return _text(value) if isinstance(value, str) else struct.pack(f"<{NUMBERS[kind]}", value)
