"""The header of a GGUF file, read in milliseconds: its metadata, and where its tensors end.

The package gguf has a reader too, which takes seconds for the lists of a vocabulary.
"""

import mmap
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf.constants import (
    GGML_QUANT_SIZES,
    GGUF_DEFAULT_ALIGNMENT,
    GGMLQuantizationType,
    GGUFValueType,
)

MAGIC = b"GGUF"
VERSIONS = (2, 3)  # those that llama.cpp reads

_NUMBERS: Mapping[GGUFValueType, str] = {
    GGUFValueType.UINT8: "B",
    GGUFValueType.INT8: "b",
    GGUFValueType.UINT16: "H",
    GGUFValueType.INT16: "h",
    GGUFValueType.UINT32: "I",
    GGUFValueType.INT32: "i",
    GGUFValueType.FLOAT32: "f",
    GGUFValueType.UINT64: "Q",
    GGUFValueType.INT64: "q",
    GGUFValueType.FLOAT64: "d",
    GGUFValueType.BOOL: "?",
}


class RefusedFileError(ValueError):
    """A file that cannot be served; the message says what it is and what to do."""


@dataclass(frozen=True)
class Header:
    """What stands before the weights, and the size that the file must have."""

    metadata: Mapping[str, Any]
    tensors_end: int


def read_header(path: Path) -> Header:
    """Return the header of a file; raises RefusedFileError, or OSError if it cannot be read."""
    with path.open("rb") as file:
        if (magic := file.read(len(MAGIC))) != MAGIC:
            raise RefusedFileError(f"it must begin with {MAGIC!r}, got {magic!r}")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                return _Parser(content).header()
            except (struct.error, ValueError, OverflowError) as error:
                if isinstance(error, RefusedFileError):
                    raise
                raise RefusedFileError(f"its header is cut off or damaged: {error}") from error


class _Parser:
    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._at = content, len(MAGIC)

    def header(self) -> Header:
        version = self._number("I")
        if version not in VERSIONS:
            raise RefusedFileError(
                f"its version of GGUF must be {' or '.join(map(str, VERSIONS))}, got {version}"
            )
        tensors, pairs = self._number("Q"), self._number("Q")
        metadata = {self._text(): self._value(self._type()) for _ in range(pairs)}
        ends = [self._tensor_end() for _ in range(tensors)]
        alignment = int(metadata.get("general.alignment", GGUF_DEFAULT_ALIGNMENT))
        start = -(-self._at // alignment) * alignment
        return Header(metadata, start + max(ends, default=0))

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._content):
            raise ValueError(f"{size} bytes are missing at {self._at}")
        taken, self._at = self._content[self._at : end], end
        return taken

    def _number(self, kind: str) -> Any:  # noqa: ANN401 - of any numeric type
        return struct.unpack(f"<{kind}", self._take(struct.calcsize(kind)))[0]

    def _text(self) -> str:
        return self._take(self._number("Q")).decode(errors="replace")

    def _type(self) -> GGUFValueType:
        return GGUFValueType(self._number("I"))

    def _value(self, kind: GGUFValueType) -> Any:  # noqa: ANN401 - a number, a text or a list
        if kind is GGUFValueType.STRING:
            return self._text()
        if kind is not GGUFValueType.ARRAY:
            return self._number(_NUMBERS[kind])
        each, count = self._type(), self._number("Q")
        if each in _NUMBERS:
            dtype = np.dtype(f"<{_NUMBERS[each]}")
            return np.frombuffer(self._take(count * dtype.itemsize), dtype)
        item: Callable[[], Any] = self._text
        return [item() if each is GGUFValueType.STRING else self._value(each) for _ in range(count)]

    def _tensor_end(self) -> int:
        """Return where a tensor ends, counted from the first one's start."""
        self._text()
        shape = [self._number("Q") for _ in range(self._number("I"))]
        kind, offset = GGMLQuantizationType(self._number("I")), self._number("Q")
        values, size = GGML_QUANT_SIZES[kind]
        return int(offset + prod(shape) // values * size)
