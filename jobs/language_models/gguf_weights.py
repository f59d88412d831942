"""Reads a llama-architecture GGUF into transformers' own classes, for runs on a laptop.

transformers can do so by itself, but takes 20 seconds where this takes 4, and gives the tokenizer a
start token that the file says it has not.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from container import JobError
from language_models.byte_level_bpe import byte_level_bpe

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@cache
def open_gguf(path: Path) -> "GgufWeights":
    """Read a file's index once: it takes seconds."""
    return GgufWeights(path)


class GgufWeights:
    """One GGUF file: its model in float32, and its tokenizer."""

    def __init__(self, path: Path) -> None:
        self._reader = GGUFReader(path)
        self._path = path
        if (architecture := self._field("general.architecture")) != "llama":
            raise JobError(f"{path.name} must be of the llama architecture, got {architecture}")

    def model(self) -> LlamaForCausalLM:
        """Return the dequantized model; the weights are copied, the file can go."""
        config = self._config()
        with torch.device("meta"):
            model = LlamaForCausalLM(config)
        # On the CPU again: buffers that no file holds are computed here.
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
        model.load_state_dict(dict(self._tensors(config)), assign=True, strict=False)
        model.tie_weights()
        if missing := [name for name, tensor in model.state_dict().items() if tensor.is_meta]:
            raise JobError(f"{self._path.name} lacks {', '.join(missing)}")
        return model.eval()

    @property
    def window(self) -> int:
        """The longest sequence that the model was trained for."""
        return int(self._field("llama.context_length"))

    def tokenizer(self) -> PreTrainedTokenizerFast:
        """Return the file's tokenizer; raise JobError unless it is SmolLM's."""
        if (kind := self._field("tokenizer.ggml.pre")) != "smollm":
            raise JobError(f"{self._path.name} must have a smollm tokenizer, got {kind}")
        words = self._field("tokenizer.ggml.tokens")
        kinds, merges = (self._field(f"tokenizer.ggml.{name}") for name in ("token_type", "merges"))
        return PreTrainedTokenizerFast(
            tokenizer_object=byte_level_bpe(words, kinds, merges),
            bos_token=words[self._field("tokenizer.ggml.bos_token_id")],
            eos_token=words[self._field("tokenizer.ggml.eos_token_id")],
            unk_token=words[self._field("tokenizer.ggml.unknown_token_id")],
            pad_token=words[self._field("tokenizer.ggml.padding_token_id")],
            chat_template=self._field("tokenizer.chat_template"),
            model_max_length=self.window,
            model_input_names=["input_ids", "attention_mask"],
        )

    def _field(self, name: str) -> Any:  # noqa: ANN401 - numbers, strings and lists of them
        if name not in self._reader.fields:
            raise JobError(f"{self._path.name} must hold {name}")
        return self._reader.fields[name].contents()

    def _config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self._field("llama.vocab_size"),
            hidden_size=self._field("llama.embedding_length"),
            intermediate_size=self._field("llama.feed_forward_length"),
            num_hidden_layers=self._field("llama.block_count"),
            num_attention_heads=self._field("llama.attention.head_count"),
            num_key_value_heads=self._field("llama.attention.head_count_kv"),
            max_position_embeddings=self.window,
            rms_norm_eps=self._field("llama.attention.layer_norm_rms_epsilon"),
            rope_theta=self._field("llama.rope.freq_base"),
            bos_token_id=self._field("tokenizer.ggml.bos_token_id"),
            eos_token_id=self._field("tokenizer.ggml.eos_token_id"),
            tie_word_embeddings=all(
                tensor.name != "output.weight" for tensor in self._reader.tensors
            ),
        )

    def _tensors(self, config: LlamaConfig) -> Iterator[tuple[str, torch.Tensor]]:
        for tensor in self._reader.tensors:
            weights = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            block, name = _place(tensor.name)
            if name in {"attn_q", "attn_k"}:
                heads = (
                    config.num_attention_heads if name == "attn_q" else config.num_key_value_heads
                )
                weights = _paired_to_halves(weights, heads)
            prefix = "" if block is None else f"model.layers.{block}."
            yield f"{prefix}{_NAMES[name]}.weight", torch.from_numpy(weights)


def _place(name: str) -> tuple[str | None, str]:
    """Return the block of a tensor, if it is in one, and its name there."""
    match = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.weight", name)
    if not match or match[2] not in _NAMES:
        raise JobError(f"the GGUF must hold weights of the llama architecture only, got {name}")
    return match[1], match[2]


def _paired_to_halves(weights: "np.ndarray[Any, Any]", heads: int) -> "np.ndarray[Any, Any]":
    """Reorder rows for transformers' rotary embedding, which rotates halves, not pairs."""
    rows, columns = weights.shape
    paired = weights.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(paired.swapaxes(1, 2).reshape(rows, columns))
