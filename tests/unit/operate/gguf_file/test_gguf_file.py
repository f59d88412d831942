"""A person's GGUF file: what is read of it, and why one is refused."""

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, quants

from embedded_aws.model_server import packaged
from gguf_files.header import RefusedFileError, read_header
from gguf_files.writer import write_gguf
from operate.gguf_file.fitness import check_memory, open_file
from operate.gguf_file.vocabulary import Vocabulary, check_same, load
from tests.tiny_gguf import add_shape, finish
from tests.unit.invoke_proxy.real_tokenizers import vocabularies

_GIB = 2**30


@pytest.fixture(scope="session")
def metadata(tiny: Path) -> Mapping[str, Any]:
    return open_file(tiny).metadata


@pytest.fixture(scope="session")
def mistral() -> Vocabulary:
    return load("mistral-v1", vocabularies())


def _with(folder: Path, metadata: Mapping[str, Any]) -> Path:
    path = folder / "header.gguf"
    write_gguf(path, {"general.architecture": "llama", **metadata}, {}, ())
    return path


def _without_weights(path: Path, architecture: str = "llama", **more: int | str) -> Path:
    writer = GGUFWriter(path, architecture)
    add_shape(writer, 4096)
    for name, value in more.items():
        key = name.replace("__", ".")
        writer.add_uint16(key, value) if isinstance(value, int) else writer.add_string(key, value)
    return finish(writer, path)


def test_header_is_what_the_package_gguf_reads(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "small.gguf", "llama")
    add_shape(writer, 4096)
    writer.add_token_list(["<unk>", "▁a", "b"])
    writer.add_token_scores([0.0, -1.5, -2.5])
    writer.add_custom_alignment(64)
    for name, kind in (("a", GGMLQuantizationType.Q8_0), ("b", GGMLQuantizationType.Q4_0)):
        values = quants.quantize(np.ones((3, 32), np.float32), kind)
        writer.add_tensor(name, values, raw_dtype=kind)
    finish(writer, tmp_path / "small.gguf")
    header, reader = read_header(tmp_path / "small.gguf"), GGUFReader(tmp_path / "small.gguf")
    last = reader.tensors[-1]
    assert header.tensors_end == last.data_offset + last.n_bytes
    fields = {name for name in reader.fields if not name.startswith("GGUF.")}
    assert header.metadata.keys() == fields
    for name in fields:
        assert list(_listed(header.metadata[name])) == _listed(reader.fields[name].contents())


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) or hasattr(value, "tolist") else [value]


def test_mistrals_vocabulary_is_taken(metadata: Mapping[str, Any], mistral: Vocabulary) -> None:
    check_same(metadata, mistral)


def test_packaged_models_vocabulary_is_taken() -> None:
    check_same(open_file(packaged.weights()).metadata, load("smollm2", vocabularies()))


def test_memory_is_that_of_weights_and_cache(tiny: Path) -> None:
    file = open_file(tiny)
    assert file.context == 4096
    # Keys and values, 2 layers, 2 heads of 16 values of 2 bytes each.
    assert file.cache_bytes(1000) == 2 * 2 * 2 * 16 * 2 * 1000
    check_memory(file, 1000, available=_GIB)
    with pytest.raises(RefusedFileError, match=r"it needs 0\.3 GiB of memory .* 0\.1 GiB are free"):
        check_memory(file, 1000, available=_GIB // 10)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with b'GGUF', got b''"),
        (b"PK\3\4", r"begins with b'GGUF', got b'PK"),
        (b"GGUF", "cut off or damaged: 4 bytes are missing at 4"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version of GGUF must be 2 or 3, got 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version of GGUF must be 2 or 3, got 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**62), "cut off or damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63), "cut off or damaged"),
        # What it says of itself would take more memory than there is.
        (b"GGUF" + struct.pack("<IQQ", 3, 2**40, 0), "it has 1099511627776 items"),
        (b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 1, 0, 9, 0, 2**40), "it has 1099511627776 items"),
        # Lists in lists, deeper than Python goes.
        (
            b"GGUF" + struct.pack("<IQQQI", 3, 0, 1, 0, 9) + struct.pack("<IQ", 9, 1) * 10_000,
            "cut off or damaged: maximum recursion depth",
        ),
    ],
)
def test_file_that_is_no_gguf_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(RefusedFileError, match=words):
        open_file(tmp_path / "model.gguf")


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="there is no such file"):
        open_file(tmp_path / "model.gguf")
    with pytest.raises(RefusedFileError, match="must be a file, such as"):
        open_file(tmp_path)


def test_file_that_is_cut_off_is_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "half.gguf").write_bytes(tiny.read_bytes()[:-1])
    size = tiny.stat().st_size
    with pytest.raises(RefusedFileError, match=f"it must have {size} bytes, got {size - 1}"):
        open_file(tmp_path / "half.gguf")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"architecture": "qwen2"}, "architecture must be 'llama', .* got 'qwen2'"),
        ({"split__no": 1, "split__count": 3}, "one file, got part 2 of 3: join them with"),
        ({"general__type": "adapter"}, "a whole model, got an 'adapter'"),
    ],
)
def test_other_kind_of_gguf_is_refused(tmp_path: Path, file: Mapping[str, Any], words: str) -> None:
    path = _without_weights(tmp_path / "model.gguf", **file)
    with pytest.raises(RefusedFileError, match=words):
        open_file(path)


@pytest.mark.parametrize("value", ["64", 0, [32], 32.5, float("inf")])
def test_file_of_another_alignment_is_refused(tmp_path: Path, value: Any) -> None:
    content = _with(tmp_path, {"general.alignment": value})
    with pytest.raises(RefusedFileError, match=r"general\.alignment must be a number above 0, got"):
        open_file(content)


@pytest.mark.parametrize("value", ["8", 0, -8, [8, 8], 8.5, float("nan"), True])
@pytest.mark.parametrize(
    "name",
    ["attention.head_count", "attention.head_count_kv", "attention.key_length", "block_count"],
)
def test_shape_that_is_no_number_is_refused(tiny: Path, name: str, value: Any) -> None:
    file = open_file(tiny)
    other = replace(file, metadata={**file.metadata, f"llama.{name}": value})
    with pytest.raises(RefusedFileError, match=rf"llama\.{name} as a number of at least 1, got"):
        other.cache_bytes(1000)


def test_file_that_was_joined_is_one(tmp_path: Path) -> None:
    assert open_file(_without_weights(tmp_path / "joined.gguf", split__count=0)).context == 4096
    with pytest.raises(RefusedFileError, match=r"split\.count as a number of at least 0, got '3'"):
        open_file(_without_weights(tmp_path / "text.gguf", split__count="3"))


def test_file_without_a_number_is_refused(tmp_path: Path) -> None:
    file = open_file(_without_weights(tmp_path / "model.gguf"))
    with pytest.raises(RefusedFileError, match=r"must hold llama\.expert_count as a number"):
        file.number("expert_count")


def _changed(metadata: Mapping[str, Any], **changes: Any) -> Mapping[str, Any]:
    return {**metadata, **{f"tokenizer.ggml.{name}": value for name, value in changes.items()}}


def test_other_vocabulary_is_refused(metadata: Mapping[str, Any], mistral: Vocabulary) -> None:
    tokens = list(metadata["tokenizer.ggml.tokens"])
    another = [*tokens[:700], "other", *tokens[701:]]
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"model": "gpt2"}, "of llama.cpp's kind 'llama', got 'gpt2'"),
        ({"tokens": another}, "token 700 must be .*, got 'other'"),
        ({"tokens": [*tokens, "<|im_end|>"]}, r"32000 tokens, got 32001 with <\|im_end\|> at"),
        ({"tokens": tokens[:-1]}, "must have 32000 tokens, got 31999"),
        ({"scores": [-1000.0] * 32_000}, "must have the scores of the SentencePiece file"),
        ({"add_bos_token": False}, "add_bos_token must be true, got false"),
        ({"tokens": 32_000}, "must have 32000 tokens, got 0"),
        ({"tokens": [0] * 32_000}, "token 0 must be '<unk>', got 0"),
        *(
            ({"scores": scores}, "must have the scores of the SentencePiece file")
            for scores in (0, "none", ["0.0x"] * 32_000, [[0.0]] * 32_000, None)
        ),
    )
    for changes, words in cases:
        with pytest.raises(RefusedFileError, match=words):
            check_same(_changed(metadata, **changes), mistral)


def test_mistrallite_needs_its_added_tokens(metadata: Mapping[str, Any]) -> None:
    lite, tokens = load("mistrallite", vocabularies()), metadata["tokenizer.ggml.tokens"]
    scores = [*metadata["tokenizer.ggml.scores"], 0, 0, 0]
    added = [*tokens, "[PAD]", "<|assistant|>", "<|prompter|>"]
    check_same(_changed(metadata, tokens=added, scores=scores), lite)
    with pytest.raises(RefusedFileError, match="must have 32003 tokens, got 32000"):
        check_same(metadata, lite)
