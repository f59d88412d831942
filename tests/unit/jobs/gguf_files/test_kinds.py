"""Tensors in their bytes, held against the package gguf, which the training image has not."""

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from gguf.constants import GGML_QUANT_SIZES

from gguf_files.header import BLOCKS, RefusedFileError
from gguf_files.kinds import WRITTEN, Kind, dequantize, quantize


def _values() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = np.random.default_rng(3).normal(0, 0.2, (5, 64)).astype(np.float32)
    values[1, :32] = 0  # a block without a scale
    values[2, 3], values[3, 40] = 9, -9
    values[4, :32] = np.arange(-16, 16)  # halves, where it matters how they are rounded
    return values


def test_blocks_have_the_sizes_of_the_format() -> None:
    known = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}
    assert {number: known[number] for number in BLOCKS} == BLOCKS


@pytest.mark.parametrize("kind", [Kind.F32, *(Kind[name] for name in WRITTEN)])
def test_values_are_written_as_the_package_gguf_writes_them(kind: Kind) -> None:
    expected = quants.quantize(_values(), GGMLQuantizationType(kind)).view(np.uint8)
    assert np.array_equal(quantize(_values(), kind), expected)


@pytest.mark.parametrize("kind", list(Kind))
def test_values_are_read_as_the_package_gguf_reads_them(kind: Kind) -> None:
    content = quants.quantize(_values(), GGMLQuantizationType(kind))
    expected = quants.dequantize(content, GGMLQuantizationType(kind))
    assert np.array_equal(dequantize(content.view(np.uint8).ravel(), kind, (5, 64)), expected)


def test_other_types_are_not_read() -> None:
    content = np.zeros(22, np.uint8)
    with pytest.raises(RefusedFileError, match="must be of F32, F16, Q4_0, Q4_1, Q8_0, got type 6"):
        dequantize(content, 6, (1, 32))
