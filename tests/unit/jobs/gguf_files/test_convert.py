"""A checkpoint as one GGUF file: what is in it, and what is refused."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader, dequantize

from gguf_files.checkpoint import Checkpoint
from gguf_files.convert import check_convertible, convert
from gguf_files.header import RefusedFileError, read_header
from gguf_files.layout import checkpoint_name, to_halves
from operate.gguf_file.fitness import open_file
from operate.gguf_file.vocabulary import check_same, load
from tests.unit.invoke_proxy.real_tokenizers import vocabularies
from tests.unit.other_json import OTHER_JSON

_HIDDEN, _HEADS, _KEY_HEADS, _INNER = 64, 4, 2, 96
_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": _HIDDEN,
    "intermediate_size": _INNER,
    "max_position_embeddings": 512,
    "num_attention_heads": _HEADS,
    "num_hidden_layers": 1,
    "num_key_value_heads": _KEY_HEADS,
    "rms_norm_eps": 1e-5,
    "rope_theta": 100_000.0,
}
# Where the vocabulary lies in a checkpoint's folder, and its tokens.
_VOCABULARIES = {
    "smollm2": ("smollm2.json", "tokenizer.json", 49_152),
    "mistral-v1": ("mistral-v1.model", "tokenizer.model", 32_000),
}
_SPECIAL = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}


def _checkpoint(folder: Path, tokenizer: str, **changes: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Write a model of one layer in bfloat16, and return its tensors."""
    source, name, count = _VOCABULARIES[tokenizer]
    folder.mkdir()
    shutil.copy(vocabularies() / source, folder / name)
    (folder / "tokenizer_config.json").write_text(json.dumps(_SPECIAL))
    (folder / "config.json").write_text(json.dumps({"vocab_size": count} | _CONFIG | changes))
    tensors = dict(_tensors(count))
    _write_safetensors(folder / "model.safetensors", tensors)
    return tensors


def _tensors(count: int) -> Mapping[str, np.ndarray[Any, Any]]:
    keys = _HIDDEN // _HEADS * _KEY_HEADS
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens": (count, _HIDDEN),
        "model.norm": (_HIDDEN,),
        f"{layer}input_layernorm": (_HIDDEN,),
        f"{layer}post_attention_layernorm": (_HIDDEN,),
        f"{layer}self_attn.q_proj": (_HIDDEN, _HIDDEN),
        f"{layer}self_attn.k_proj": (keys, _HIDDEN),
        f"{layer}self_attn.v_proj": (keys, _HIDDEN),
        f"{layer}self_attn.o_proj": (_HIDDEN, _HIDDEN),
        f"{layer}mlp.gate_proj": (_INNER, _HIDDEN),
        f"{layer}mlp.up_proj": (_INNER, _HIDDEN),
        f"{layer}mlp.down_proj": (_HIDDEN, _INNER),
    }
    draw = np.random.default_rng(5)
    values = {f"{name}.weight": draw.normal(0, 0.1, shape) for name, shape in shapes.items()}
    # As bfloat16 holds them.
    return {
        name: (each.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)
        for name, each in values.items()
    }


def _write_safetensors(file: Path, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
    index: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, values in tensors.items():
        written = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        place = [len(content), len(content) + len(written)]
        index[name] = {"dtype": "BF16", "shape": values.shape, "data_offsets": place}
        content += written
    head = json.dumps(index).encode()
    file.write_bytes(len(head).to_bytes(8, "little") + head + content)


@pytest.mark.parametrize(
    ("tokenizer", "kind", "error"),
    [("smollm2", "Q8_0", 0.003), ("mistral-v1", "F16", 1e-4), ("mistral-v1", "Q4_0", 0.05)],
)
def test_file_holds_the_checkpoint(
    tmp_path: Path, tokenizer: str, kind: str, error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The reader takes each token from a mapped array, whose methods are Python: thrice as slow.
    monkeypatch.setattr(np, "memmap", lambda path, mode: np.fromfile(path, np.uint8))  # noqa: ARG005
    tensors = _checkpoint(tmp_path / "tuned", tokenizer)
    convert(tmp_path / "tuned", tmp_path / "tuned.gguf", kind)
    read = GGUFReader(tmp_path / "tuned.gguf")
    assert read.fields["llama.rope.freq_base"].contents() == 100_000
    found = {checkpoint_name(each.name): each for each in read.tensors}
    assert found.keys() == tensors.keys()
    for name, expected in tensors.items():
        values = dequantize(found[name].data, found[name].tensor_type)
        heads = {"q_proj": _HEADS, "k_proj": _KEY_HEADS}.get(name.split(".")[-2])
        values = to_halves(values, heads) if heads else values
        assert np.abs(values - expected).max() <= (error if expected.ndim > 1 else 0), name
    file = open_file(tmp_path / "tuned.gguf")
    check_same(file.metadata, load(tokenizer, vocabularies()))
    assert read_header(file.path).is_without_gaps
    assert file.size == read_header(file.path).tensors_end
    assert [path.name for path in tmp_path.glob("*tuned.gguf*")] == ["tuned.gguf"]


def test_special_tokens_are_the_models_own(tmp_path: Path) -> None:
    _checkpoint(tmp_path / "tuned", "smollm2")
    metadata = check_convertible(tmp_path / "tuned")
    ids = {n: metadata[f"tokenizer.ggml.{n}_token_id"] for n in ("bos", "eos", "unknown")}
    assert ids == {"bos": 1, "eos": 2, "unknown": 0}
    types = metadata["tokenizer.ggml.token_type"]
    assert isinstance(types, list)
    assert types[:3] == [3, 3, 3]
    assert set(types) == {1, 3}
    assert metadata["tokenizer.ggml.merges"][0] == "Ġ t"  # type: ignore[index] # a list


def test_tokens_beside_the_sentence_piece_file_are_kept(tmp_path: Path) -> None:
    _checkpoint(tmp_path / "tuned", "mistral-v1", vocab_size=32_004)
    added = {"[PAD]": 32_000, "<|assistant|>": 32_001, "<|prompter|>": 32_002}
    (tmp_path / "tuned/added_tokens.json").write_text(json.dumps(added))
    metadata = check_convertible(tmp_path / "tuned")
    assert metadata["tokenizer.ggml.tokens"][-4:] == [*added, "[PAD32003]"]  # type: ignore[index]
    assert metadata["tokenizer.ggml.token_type"][-4:] == [3, 3, 3, 5]  # type: ignore[index]
    check_same(metadata, load("mistrallite", vocabularies()))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architectures": ["Qwen2ForCausalLM"]}, "MistralForCausalLM or .* got Qwen2ForCausalLM"),
        ({"rope_scaling": {"type": "linear"}}, "its rope_scaling must be none, got"),
        ({"vocab_size": 31_999}, "its vocab_size must be at least 32000, got 31999"),
    ],
)
def test_other_model_is_refused_and_no_file_is_left(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    _checkpoint(tmp_path / "tuned", "mistral-v1", **changes)
    with pytest.raises(RefusedFileError, match=words):
        convert(tmp_path / "tuned", tmp_path / "tuned.gguf", "Q8_0")
    assert not list(tmp_path.glob("*tuned.gguf*"))


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("config.json", "tuned must hold config.json"),
        ("tokenizer.json", "tuned must hold tokenizer.model or tokenizer.json"),
        ("model.safetensors", "tuned must hold safetensors"),
    ],
)
def test_folder_that_lacks_a_file_is_refused(tmp_path: Path, missing: str, words: str) -> None:
    _checkpoint(tmp_path / "tuned", "smollm2")
    (tmp_path / "tuned" / missing).unlink()
    with pytest.raises(RefusedFileError, match=words):
        convert(tmp_path / "tuned", tmp_path / "tuned.gguf", "Q8_0")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_file_of_another_form_is_named(tmp_path: Path, name: str) -> None:
    _checkpoint(tmp_path / "tuned", "smollm2")
    for text in OTHER_JSON:
        (tmp_path / "tuned" / name).write_text(text)
        if name == "tokenizer_config.json" and text.startswith('{"'):
            continue  # It need not have a special token.
        with pytest.raises(RefusedFileError, match=rf"{name}|tokenizer's JSON files|architecture"):
            check_convertible(tmp_path / "tuned")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architectures": 7}, "its architecture must be .* got 7"),
        ({"num_attention_heads": None}, r"config\.json must have num_attention_heads as a number"),
        ({"vocab_size": "many"}, r"config\.json must have vocab_size as a number, got 'many'"),
        ({"rope_theta": []}, r"config\.json must have rope_theta as a number"),
    ],
)
def test_setting_of_another_form_is_named(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    _checkpoint(tmp_path / "tuned", "smollm2", **changes)
    with pytest.raises(RefusedFileError, match=words):
        check_convertible(tmp_path / "tuned")


@pytest.mark.parametrize(
    "index", [*OTHER_JSON, '{"w": {"dtype": "F32", "shape": 7}}'], ids=lambda text: text[:40]
)
def test_weights_with_a_header_of_another_form_are_named(tmp_path: Path, index: str) -> None:
    header = index.encode()
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(RefusedFileError, match=r"w\.safetensors"):
        Checkpoint(tmp_path)


def test_other_vocabulary_is_refused(tmp_path: Path) -> None:
    _checkpoint(tmp_path / "tuned", "smollm2")
    file = tmp_path / "tuned/tokenizer.json"
    read = json.loads(file.read_text())
    read["pre_tokenizer"] = {"type": "ByteLevel"}
    file.write_text(json.dumps(read))
    with pytest.raises(RefusedFileError, match=r"splits digits, .* got BPE with \['ByteLevel'\]"):
        check_convertible(tmp_path / "tuned")
