"""The header of a GGUF file, read in milliseconds: its metadata, and where its tensors lie.

It needs nothing but Python: a job reads with it, the verbs, and the function that keeps models.
"""

import mmap
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

MAGIC = b"GGUF"
VERSIONS = (2, 3)  # those that llama.cpp reads
ALIGNMENT = 32  # of each tensor, where the file names no other
# Of a list, of the metadata and of the tensors: the largest models have fewer by far, and what is
# read before it is refused must fit into the memory.
MAX_ITEMS = 2**22

# The types of values in the metadata, by their numbers.
NUMBERS: Mapping[int, str] = dict(enumerate("BbHhIif")) | {7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, LIST = 8, 9

# The types of tensors by their numbers: how many values are a block, and its bytes.
BLOCKS: Mapping[int, tuple[int, int]] = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 40), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


class RefusedFileError(ValueError):
    """A file that cannot be served; the message says what it is and what to do."""


@dataclass(frozen=True)
class Tensor:
    """A tensor's name, its shape as numpy has it, its type's number, and its place in the file."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int  # from where the tensors begin

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        values, size = BLOCKS[self.kind]
        return prod(self.shape) // values * size


@dataclass(frozen=True)
class Header:
    """What stands before the weights, and where they lie."""

    metadata: Mapping[str, Any]
    tensors: Sequence[Tensor]
    tensors_start: int

    @property
    def tensors_end(self) -> int:
        """The size that the file must have at least."""
        return self.tensors_start + max((t.offset + t.size for t in self.tensors), default=0)

    @property
    def alignment(self) -> int:
        """Where a tensor may begin: at a multiple of it."""
        return int(self.metadata.get("general.alignment", ALIGNMENT))

    @property
    def is_without_gaps(self) -> bool:
        """Whether each tensor follows the one before, with nothing but the alignment between."""
        ends = accumulate((aligned(t.size, self.alignment) for t in self.tensors), initial=0)
        return all(tensor.offset == end for tensor, end in zip(self.tensors, ends, strict=False))


def aligned(position: int, alignment: int) -> int:
    """Return the first multiple of the alignment at a position or after it."""
    return -(-position // alignment) * alignment


def read_header(path: Path) -> Header:
    """Return the header of a file; raises RefusedFileError, or OSError if it cannot be read."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return parse_header(b"")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return parse_header(content)


def parse_header(content: bytes | mmap.mmap) -> Header:
    """Return the header that a file begins with; raises RefusedFileError."""
    if (magic := content[: len(MAGIC)]) != MAGIC:
        raise RefusedFileError(
            f"it must be a GGUF file, which begins with {MAGIC!r}, got {magic!r}"
        )
    try:
        return _Parser(content).header()
    except (struct.error, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, RefusedFileError):
            raise
        raise RefusedFileError(f"its header is cut off or damaged: {error}") from error


class _Parser:
    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._content, self._at = content, len(MAGIC)

    def header(self) -> Header:
        version = self._number("I")
        if version not in VERSIONS:
            raise RefusedFileError(
                f"its version of GGUF must be {' or '.join(map(str, VERSIONS))}, got {version}"
            )
        tensors, pairs = self._count("Q"), self._count("Q")
        metadata = {self._text(): self._value(self._number("I")) for _ in range(pairs)}
        found = [self._tensor() for _ in range(tensors)]
        alignment = metadata.get("general.alignment", ALIGNMENT)
        if type(alignment) is not int or alignment < 1:
            raise ValueError(f"general.alignment must be a number above 0, got {alignment!r:.99}")
        return Header(metadata, found, aligned(self._at, alignment))

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._content):
            raise ValueError(f"{size} bytes are missing at {self._at}")
        taken, self._at = self._content[self._at : end], end
        return taken

    def _number(self, kind: str) -> Any:  # noqa: ANN401 - of any numeric type
        return struct.unpack(f"<{kind}", self._take(struct.calcsize(kind)))[0]

    def _count(self, kind: str) -> int:
        if (count := int(self._number(kind))) > MAX_ITEMS:
            raise ValueError(f"it has {count} items at {self._at}, at most {MAX_ITEMS} are read")
        return count

    def _text(self) -> str:
        return self._take(self._number("Q")).decode(errors="replace")

    def _value(self, kind: int) -> Any:  # noqa: ANN401 - a number, a text or a list
        if kind == TEXT:
            return self._text()
        if kind in NUMBERS:
            return self._number(NUMBERS[kind])
        if kind != LIST:
            raise ValueError(f"a value has the unknown type {kind}")
        each, count = self._number("I"), self._count("Q")
        if each in NUMBERS:
            size = struct.calcsize(NUMBERS[each]) * count
            return list(struct.unpack(f"<{count}{NUMBERS[each]}", self._take(size)))
        item: Callable[[], Any] = self._text
        return [item() if each == TEXT else self._value(each) for _ in range(count)]

    def _tensor(self) -> Tensor:
        name = self._text()
        shape = [self._number("Q") for _ in range(self._count("I"))]
        kind, offset = self._number("I"), self._number("Q")
        if kind not in BLOCKS:
            raise ValueError(f"the tensor {name} has the unknown type {kind}")
        return Tensor(name, tuple(reversed(shape)), kind, offset)
