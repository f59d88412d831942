"""What the store reads in a candidate's files before it keeps them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter, quants

from model_release.candidates.file_content import (
    check_gguf,
    check_header,
    check_settings,
    header_length,
)
from tests.tiny_gguf import finish


def _header(*spans: Any) -> bytes:
    tensors = {str(n): {"dtype": "F32", "data_offsets": span} for n, span in enumerate(spans)}
    return json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()


@pytest.mark.parametrize("spans", [([0, 16],), ([8, 16], [0, 8]), ([0, 0], [0, 16])])
def test_tensors_that_fill_a_file_are_taken(spans: tuple[list[int], ...]) -> None:
    check_header(_header(*spans), 16)


@pytest.mark.parametrize(
    ("spans", "size"),
    [
        (([0, 16],), 17),  # what follows is another format's, or anything
        (([0, 16],), 15),
        (([4, 16],), 16),
        (([0, 8], [4, 16]), 16),
        (([0, 12], [12, 8], [8, 16]), 16),
        ((), 1),
    ],
)
def test_bytes_that_no_tensor_describes_are_refused(
    spans: tuple[list[int], ...], size: int
) -> None:
    with pytest.raises(ValueError, match="holds more, or less, than the tensors"):
        check_header(_header(*spans), size)


@pytest.mark.parametrize("span", [[0], "ab", [0, None], [0, 1, 2]])
def test_tensor_without_a_span_is_refused(span: Any) -> None:
    with pytest.raises(ValueError, match="has a tensor without data_offsets"):
        check_header(_header(span), 16)


@pytest.mark.parametrize(
    "prefix", [b"PK\x03\x04\x00\x00\x00\x08", b"", b"\x02", (2**20).to_bytes(8, "little"), bytes(8)]
)
def test_other_format_under_the_name_of_weights_is_refused(prefix: bytes) -> None:
    with pytest.raises(ValueError, match="begins with no safetensors header"):
        header_length(prefix, 1000)


def test_header_of_gigabytes_is_not_read() -> None:
    with pytest.raises(ValueError, match="begins with no safetensors header"):
        header_length((2**30).to_bytes(8, "little"), 2**32)


def _gguf(path: Path, kind: GGMLQuantizationType, **texts: str) -> bytes:
    writer = GGUFWriter(path, "llama")
    for name, text in texts.items():
        writer.add_string(f"tokenizer.{name}", text)
    for name in ("a", "b"):
        values = quants.quantize(np.ones((3, 32), np.float32), kind)
        writer.add_tensor(name, values, raw_dtype=kind)
    return finish(writer, path).read_bytes()


def test_gguf_file_of_tensors_is_taken(tmp_path: Path) -> None:
    content = _gguf(tmp_path / "model.gguf", GGMLQuantizationType.Q8_0)
    check_gguf(content, len(content))
    check_gguf(content[:-200], len(content))  # its beginning is enough


def test_gguf_file_of_anything_else_is_refused(tmp_path: Path) -> None:
    kind = GGMLQuantizationType.Q8_0
    content = _gguf(tmp_path / "model.gguf", kind)
    template = _gguf(tmp_path / "chats.gguf", kind, chat_template="{{ messages }}")
    other = _gguf(tmp_path / "other.gguf", GGMLQuantizationType.Q5_0)
    # The second tensor 64 bytes on, where others would lie between the two.
    gap = content.replace((128).to_bytes(8, "little"), (192).to_bytes(8, "little"))
    for found, size, said in (
        (b"PK\3\4" + content, len(content), "begins with b'GGUF', got b'PK"),
        (content[:90], 90, "its header is cut off or damaged"),
        (content, len(content) + 100, "holds more, or less, than the tensors"),
        (content, len(content) - 100, "holds more, or less, than the tensors"),
        (gap, len(content) + 64, "holds more, or less, than the tensors"),
        (template, len(template), r"must not have tokenizer\.chat_template: the endpoint is given"),
        (other, len(other), r"of F32, F16, Q4_0 or Q8_0 only, got types \[6\]"),
    ):
        with pytest.raises(ValueError, match=said):
            check_gguf(found, size)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"auto_map": {"AutoModel": "modeling.Evil"}}', "must not have auto_map"),
        (b"[]", "must be a JSON object, got a list"),
        (b"\x80\x04.", "must be JSON"),
        (b"[" * 200_000, "must be JSON"),
    ],
)
def test_settings_that_load_code_or_are_none_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_settings(content)


def test_plain_settings_are_taken() -> None:
    check_settings(b'{"architectures": ["MistralForCausalLM"]}')
