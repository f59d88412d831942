"""Whether a GGUF file can be served as a model of the catalog, said before anything starts."""

import _paths  # noqa: F401  # isort: skip  # first: it makes the jobs' sources findable

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowed_values.rules import shown
from gguf_files.header import Header, RefusedFileError, read_header
from gguf_files.layout import ARCHITECTURE

_HALF = 2  # bytes of a value in llama.cpp's key-value cache
_GIB = 2**30
# llama.cpp's buffers of a batch, beside weights and cache: 0.2 GiB for a 7B model.
_BUFFERS = _GIB // 4


@dataclass(frozen=True)
class GgufFile:
    """A file that is whole and of the right architecture."""

    path: Path
    size: int
    metadata: Mapping[str, Any]

    @property
    def context(self) -> int:
        """The tokens of the longest sequence that the model was made for."""
        return self.number("context_length")

    def number(self, name: str, default: int | None = None) -> int:
        """Return a number of the architecture; raises RefusedFileError if there is none."""
        return _whole(self.metadata, f"{ARCHITECTURE}.{name}", default, at_least=1)

    def cache_bytes(self, tokens: int) -> int:
        """Return the size of the key-value cache of so many tokens."""
        heads = self.number("attention.head_count")
        width = self.number("attention.key_length", self.number("embedding_length") // heads)
        key_heads = self.number("attention.head_count_kv", heads)
        return 2 * self.number("block_count") * key_heads * width * _HALF * tokens

    def memory(self, tokens: int) -> int:
        """Return the bytes that it takes to serve so many tokens at once."""
        return self.size + self.cache_bytes(tokens) + _BUFFERS


def open_file(path: Path) -> GgufFile:
    """Return a file that llama.cpp could load; raises RefusedFileError."""
    if not path.exists():
        raise RefusedFileError("there is no such file")
    if not path.is_file():
        raise RefusedFileError("it must be a file, such as model.Q4_K_M.gguf")
    header = read_header(path)
    _check_kind(header.metadata)
    _check_whole(path, header)
    return GgufFile(path, path.stat().st_size, header.metadata)


def _whole(metadata: Mapping[str, Any], name: str, default: int | None, *, at_least: int) -> int:
    found = metadata.get(name, default)
    if type(found) is not int or found < at_least:
        raise RefusedFileError(
            f"it must hold {name} as a number of at least {at_least}, got {shown(found)}"
        )
    return found


def _check_kind(metadata: Mapping[str, Any]) -> None:
    parts = _whole(metadata, "split.count", 0, at_least=0)  # 0 in one that was joined
    if parts > 1:
        part = _whole(metadata, "split.no", 0, at_least=0) + 1
        raise RefusedFileError(
            f"it must be one file, got part {part} of {parts}: join them with"
            " `llama-gguf-split --merge`"
        )
    kind = metadata.get("general.type", "model")
    if kind != "model":
        raise RefusedFileError(f"it must hold a whole model, got an {shown(kind)}")
    architecture = metadata.get("general.architecture")
    if architecture != ARCHITECTURE:
        raise RefusedFileError(
            f"its architecture must be {ARCHITECTURE!r}, as Mistral-7B's is in llama.cpp's words,"
            f" got {shown(architecture)}"
        )


def _check_whole(path: Path, header: Header) -> None:
    size = path.stat().st_size
    if size < header.tensors_end:
        raise RefusedFileError(
            f"it is cut off: it must have {header.tensors_end} bytes, got {size}; download it again"
        )


def check_memory(file: GgufFile, tokens: int, available: int) -> None:
    """Raise RefusedFileError for a model that does not fit into the memory that is free."""
    needed = file.memory(tokens)
    if needed > available:
        raise RefusedFileError(
            f"it needs {_gib(needed)} of memory ({_gib(file.size)} of weights,"
            f" {_gib(file.cache_bytes(tokens))} for {tokens} tokens), {_gib(available)} are free:"
            " close other programs, or take a smaller quantization"
        )


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"
