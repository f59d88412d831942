"""A GGUF model, read as transformers and llama.cpp read it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quantize
from transformers import AutoModelForCausalLM, AutoTokenizer

from container import JobError
from language_models.base_weights import find_window, load_model, load_tokenizer

WORDS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", *"abcdefgh0123456789.", "Ġ", "ab", "Ġab", "ĠĠ",
    "12",
]  # fmt: skip
MERGES = ["a b", "Ġ ab", "Ġ Ġ", "1 2"]
HIDDEN, HEADS, KEY_HEADS, HEAD = 64, 4, 2, 16


def write_gguf(
    path: Path, *, architecture: str = "llama", splitting: str = "smollm", tied: bool = True
) -> Path:
    """Write a model with random quantized weights under llama.cpp's names."""
    draw = np.random.default_rng(4)
    writer = GGUFWriter(path, architecture)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(2)
    writer.add_feed_forward_length(96)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(splitting)
    writer.add_token_list(WORDS)
    writer.add_token_types([3, 3, 3] + [1] * (len(WORDS) - 3))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template("{{ messages }}")
    shapes = {"token_embd": (len(WORDS), HIDDEN), "output_norm": (HIDDEN,)}
    if not tied:
        shapes["output"] = (len(WORDS), HIDDEN)
    for block in range(2):
        block_shapes = {
            "attn_norm": (HIDDEN,), "ffn_norm": (HIDDEN,), "attn_q": (HEADS * HEAD, HIDDEN),
            "attn_k": (KEY_HEADS * HEAD, HIDDEN), "attn_v": (KEY_HEADS * HEAD, HIDDEN),
            "attn_output": (HIDDEN, HEADS * HEAD), "ffn_gate": (96, HIDDEN), "ffn_up": (96, HIDDEN),
            "ffn_down": (HIDDEN, 96),
        }  # fmt: skip
        shapes |= {f"blk.{block}.{name}": shape for name, shape in block_shapes.items()}
    for name, shape in shapes.items():
        values = draw.normal(0, 0.3, shape).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(f"{name}.weight", values + 1)
        else:
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(f"{name}.weight", quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("tied", [True, False])
def test_model_computes_what_transformers_computes_from_it(tmp_path: Path, *, tied: bool) -> None:
    write_gguf(tmp_path / "tiny.gguf", tied=tied)
    expected = AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="tiny.gguf", dtype=torch.float32
    )
    model = load_model(tmp_path, dtype=torch.float32)
    tokens = torch.arange(24)[None]
    with torch.inference_mode():
        torch.testing.assert_close(model(tokens).logits, expected(tokens).logits)
    assert find_window(tmp_path) == 512


def test_tokenizer_splits_digits_and_adds_no_start_token(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    tokenizer = load_tokenizer(tmp_path)
    written = "<|im_start|>ab  ab 12.<|im_end|>"
    assert tokenizer.tokenize(written) == [
        "<|im_start|>", "ab", "Ġ", "Ġab", "Ġ", "1", "2", ".", "<|im_end|>",
    ]  # fmt: skip
    assert tokenizer.decode(tokenizer(written).input_ids) == written
    assert tokenizer.eos_token_id == 2


def test_tokenizer_is_the_same_when_it_is_saved(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    tokenizer = load_tokenizer(tmp_path)
    tokenizer.save_pretrained(tmp_path / "saved")
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    written = "ab 12 <|im_end|> h"
    assert saved(written).input_ids == tokenizer(written).input_ids


def test_other_architecture_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", architecture="qwen2")
    with pytest.raises(JobError, match="must be of the llama architecture, got qwen2"):
        load_model(tmp_path, dtype=torch.float32)


def test_other_tokenizer_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", splitting="gpt-2")
    with pytest.raises(JobError, match="must have a smollm tokenizer, got gpt-2"):
        load_tokenizer(tmp_path)
