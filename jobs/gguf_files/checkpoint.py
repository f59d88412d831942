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
_WHOLE, _REAL = (int,), (int, float)
_NUMBERS = {
    "num_attention_heads": _WHOLE,
    "num_key_value_heads": _WHOLE,
    "hidden_size": _WHOLE,
    "intermediate_size": _WHOLE,
    "max_position_embeddings": _WHOLE,
    "num_hidden_layers": _WHOLE,
    "vocab_size": _WHOLE,
    "rms_norm_eps": _REAL,
    "head_dim": _WHOLE,
    "rope_theta": _REAL,
}
_OPTIONAL = ("head_dim", "rope_theta")
_ARCHITECTURES = ("MistralForCausalLM", "LlamaForCausalLM")


def read_config(folder: Path) -> Mapping[str, Any]:
    """Return the configuration of a model that llama.cpp can compute; raises RefusedFileError."""
    file = folder / "config.json"
    if not file.is_file():
        raise RefusedFileError(f"{folder} must hold config.json")
    config: Mapping[str, Any] = read_object(file)
    names = config.get("architectures")
    architecture = names[0] if isinstance(names, list) and names else names
    if architecture not in _ARCHITECTURES:
        raise RefusedFileError(
            f"its architecture must be {' or '.join(_ARCHITECTURES)}, got {architecture}"
        )
    for name, kinds in _NUMBERS.items():
        found = config.get(name)
        if found is None and name in _OPTIONAL:
            continue
        if found is None or type(found) not in kinds or found <= 0:
            raise RefusedFileError(f"{file} must have {name} as a number, got {found!r}")
    if scaling := config.get("rope_scaling"):
        raise RefusedFileError(f"its rope_scaling must be none, got {scaling}")
    return config


def read_object(file: Path) -> dict[str, Any]:
    """Return a file's JSON object; raises RefusedFileError for anything else."""
    return _object(file.read_bytes(), str(file))


def _object(content: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (RecursionError, ValueError) as error:
        raise RefusedFileError(f"{what} must be JSON: {error}") from error
    if not isinstance(found, dict):
        raise RefusedFileError(f"{what} must be a JSON object, got a {type(found).__name__}")
    return found


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
            index = _object(content[8 : 8 + size], f"{file}'s header")
        for name, about in index.items():
            if name != "__metadata__":
                _check_place(file, name, about)
                yield name, (file, about)


def _check_place(file: Path, name: str, about: Any) -> None:  # noqa: ANN401 - JSON
    """Raise RefusedFileError unless it says what a tensor is, and where it lies in its file."""
    match about:
        case {"dtype": str(), "shape": [*shape], "data_offsets": [int(), int()]}:
            if all(type(each) is int for each in shape):
                return
    raise RefusedFileError(
        f"{file} must have a dtype, a shape and data_offsets of {name}, got {about!r}"
    )
