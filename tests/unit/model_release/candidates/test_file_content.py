"""What the store reads in a candidate's files before it keeps them."""

import json
from typing import Any

import pytest

from model_release.candidates.file_content import check_header, check_settings, header_length


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
