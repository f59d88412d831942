"""What a candidate's files may contain: tensors that fill a file of weights, plain settings."""

import json
from typing import Any

from model_release.candidates.gguf_header import parse_header

PREFIX_BYTES = 8  # a safetensors file begins with the length of its header
MAX_HEADER_BYTES = 16 * 2**20  # of a shard with tens of thousands of tensors
MAX_TEXT_BYTES = 64 * 2**20  # the largest tokenizers take a third of it
# The types of a GGUF file's tensors that the training job writes: F32, F16, Q4_0, Q8_0.
_GGUF_TYPES = {0, 1, 2, 8}
_TEMPLATE = "tokenizer.chat_template"  # a program, in Jinja
_CODE = "auto_map"  # names Python classes that transformers loads from the model's own folder


def header_length(prefix: bytes, size: int) -> int:
    """Return the length of a safetensors header; raise ValueError for one that cannot be."""
    length = int.from_bytes(prefix, "little")
    longest = min(MAX_HEADER_BYTES, size - PREFIX_BYTES)
    if len(prefix) != PREFIX_BYTES or not len("{}") <= length <= longest:
        raise ValueError(f"begins with no safetensors header, got a length of {length}")
    return length


def check_header(header: bytes, data_bytes: int) -> None:
    """Raise ValueError unless the header describes tensors that fill the data without a gap."""
    tensors = {name: t for name, t in _object(header).items() if name != "__metadata__"}
    position = 0
    for begin, end in sorted(_span(tensor) for tensor in tensors.values()):
        if begin != position or end < begin:
            break
        position = end
    if position != data_bytes:
        raise ValueError("holds more, or less, than the tensors that its header describes")


def check_gguf(beginning: bytes, size: int) -> None:
    """Raise ValueError unless a GGUF file has nothing but the training job's kinds of tensors."""
    header = parse_header(beginning)
    if unknown := sorted({tensor.kind for tensor in header.tensors} - _GGUF_TYPES):
        raise ValueError(f"must have tensors of F32, F16, Q4_0 or Q8_0 only, got types {unknown}")
    if _TEMPLATE in header.metadata:
        raise ValueError(f"must not have {_TEMPLATE}: the endpoint is given its own")
    if not header.is_without_gaps or not 0 <= size - header.tensors_end < header.alignment:
        raise ValueError("holds more, or less, than the tensors that its header describes")


def check_settings(content: bytes) -> None:
    """Raise ValueError for settings that are no JSON object, or that name code to load."""
    if _CODE in _object(content):
        raise ValueError(f"must not have {_CODE}: it would load Python from the model's folder")


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"must be JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - a file's content, like every other refusal here
            f"must be a JSON object, got a {type(value).__name__}"
        )
    return value


def _span(tensor: Any) -> tuple[int, int]:  # noqa: ANN401 - JSON
    try:
        begin, end = tensor["data_offsets"]
        return int(begin), int(end)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"has a tensor without data_offsets: {error!r}") from error
