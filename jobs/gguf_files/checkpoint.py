"""A checkpoint as transformers writes it: its configuration, and its tensors one at a time."""

import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gguf_files.header import RefusedFileError
from gguf_files.kinds import Array

_DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_BFLOAT16_BITS = 16
_ARCHITECTURES = ("MistralForCausalLM", "LlamaForCausalLM")


def read_config(folder: Path) -> Mapping[str, Any]:
    """Return the configuration of a model that llama.cpp can compute; raises RefusedFileError."""
    file = folder / "config.json"
    if not file.is_file():
        raise RefusedFileError(f"{folder} must hold config.json")
    config: Mapping[str, Any] = json.loads(file.read_bytes())
    architecture = config.get("architectures", ["none"])[0]
    if architecture not in _ARCHITECTURES:
        raise RefusedFileError(
            f"its architecture must be {' or '.join(_ARCHITECTURES)}, got {architecture}"
        )
    if scaling := config.get("rope_scaling"):
        raise RefusedFileError(f"its rope_scaling must be none, got {scaling}")
    return config


class Checkpoint:
    """A folder's safetensors: they stay on the disk until they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._places = dict(_places(folder))
        if not self._places:
            raise RefusedFileError(f"{folder} must hold safetensors")

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the tensors, in an order that is always the same."""
        return iter(sorted(self._places))

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(self._places[name][1]["shape"])

    def tensor(self, name: str) -> Array:
        """Read a tensor in float32."""
        file, about = self._places[name]
        if about["dtype"] not in _DTYPES:
            raise RefusedFileError(f"{name} must be of {', '.join(_DTYPES)}, got {about['dtype']}")
        begin, end = about["data_offsets"]
        with file.open("rb") as opened:
            start = 8 + int.from_bytes(opened.read(8), "little")
            opened.seek(start + begin)
            values = np.frombuffer(opened.read(end - begin), _DTYPES[about["dtype"]])
        if about["dtype"] == "BF16":  # the upper half of a float32
            values = (values.astype(np.uint32) << _BFLOAT16_BITS).view(np.float32)
        return values.astype(np.float32, copy=False).reshape(about["shape"])


def _places(folder: Path) -> Iterator[tuple[str, tuple[Path, dict[str, Any]]]]:
    """Yield each tensor's name, its file, and what the file's index says of it."""
    for file in sorted(folder.glob("*.safetensors")):
        with (
            file.open("rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            size = int.from_bytes(content[:8], "little")
            index: dict[str, Any] = json.loads(content[8 : 8 + size])
        yield from ((name, (file, about)) for name, about in index.items() if "dtype" in about)
