"""The types of tensors that are written and read: as they stand, or in blocks of 32 values.

A block has a scale in float16, before its whole numbers; Q4_1 has a minimum, too.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from gguf_files.header import BLOCKS, RefusedFileError

Array = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_BLOCK, _HALF = 32, 16


class Kind(IntEnum):
    """A type by its name and its number in a file."""

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3  # only read
    Q8_0 = 8


# What a file may be written in, and what `general.file_type` then says.
WRITTEN: Mapping[str, int] = {"F16": 1, "Q8_0": 7, "Q4_0": 2}


def quantize(values: Array, kind: Kind) -> Bytes:
    """Return the bytes of a tensor's rows."""
    if kind in _AS_THEY_STAND:
        return values.astype(_AS_THEY_STAND[kind]).view(np.uint8)
    return _WRITERS[kind](values.reshape(-1, _BLOCK)).reshape(len(values), -1)


def dequantize(content: Bytes, kind: int, shape: tuple[int, ...]) -> Array:
    """Return the values of a tensor; raises RefusedFileError for a type that is not read."""
    if kind in _AS_THEY_STAND:
        return content.view(_AS_THEY_STAND[Kind(kind)]).astype(np.float32).reshape(shape)
    if kind not in _READERS:
        read = ", ".join(each.name for each in Kind)
        raise RefusedFileError(f"its tensors must be of {read}, got type {kind}")
    return _READERS[Kind(kind)](content.reshape(-1, BLOCKS[kind][1])).reshape(shape)


_AS_THEY_STAND: Mapping[int, str] = {Kind.F32: "<f4", Kind.F16: "<f2"}


def _write_q8_0(blocks: Array) -> Bytes:
    scale = np.abs(blocks).max(axis=1, keepdims=True) / 127
    scaled = blocks * _inverse(scale)
    # Half away from zero, as C rounds.
    whole = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)
    return _joined(scale, whole)


def _write_q4_0(blocks: Array) -> Bytes:
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
    scale: Array = largest / np.float32(-8)
    whole = np.trunc(blocks * _inverse(scale) + np.float32(8.5)).clip(0, 15).astype(np.uint8)
    return _joined(scale, whole[:, :_HALF] | whole[:, _HALF:] << 4)


def _inverse(scale: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.where(scale == 0, np.float32(0), 1 / scale)


def _joined(scale: Array, whole: npt.NDArray[Any]) -> Bytes:
    return np.hstack([scale.astype("<f2").view(np.uint8), whole.view(np.uint8)])


def _read_q8_0(blocks: Bytes) -> Array:
    return _halves(blocks[:, :2]) * blocks[:, 2:].view(np.int8).astype(np.float32)


def _read_q4_0(blocks: Bytes) -> Array:
    return _halves(blocks[:, :2]) * (_nibbles(blocks[:, 2:]) - 8)


def _read_q4_1(blocks: Bytes) -> Array:
    return _halves(blocks[:, :2]) * _nibbles(blocks[:, 4:]) + _halves(blocks[:, 2:4])


def _halves(content: Bytes) -> Array:
    return np.ascontiguousarray(content).view("<f2").astype(np.float32)


def _nibbles(content: Bytes) -> Array:
    return np.hstack([content & 15, content >> 4]).astype(np.float32)


_WRITERS: Mapping[Kind, Callable[[Array], Bytes]] = {
    Kind.Q8_0: _write_q8_0,
    Kind.Q4_0: _write_q4_0,
}
_READERS: Mapping[Kind, Callable[[Bytes], Array]] = {
    Kind.Q8_0: _read_q8_0,
    Kind.Q4_0: _read_q4_0,
    Kind.Q4_1: _read_q4_1,
}
