"""Reads a llama-architecture GGUF into transformers' own classes: the packaged, and a tuned model.

transformers can do so by itself, but needs the package gguf, takes 20 seconds where this takes one,
and gives the tokenizer a start token that the file says it has not.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from container import JobError
from gguf_files.header import RefusedFileError, read_header
from gguf_files.kinds import dequantize
from gguf_files.layout import ARCHITECTURE, checkpoint_name, heads_of, to_halves
from language_models.byte_level_bpe import byte_level_bpe


@cache
def open_gguf(path: Path) -> "GgufWeights":
    """Read a file's header once; raise JobError."""
    try:
        return GgufWeights(path)
    except RefusedFileError as error:
        raise JobError(f"{path.name} cannot be read: {error}") from error


class GgufWeights:
    """One GGUF file: its model, as llama.cpp computes it, and its tokenizer."""

    def __init__(self, path: Path) -> None:
        self._header = read_header(path)
        self._path = path
        if (architecture := self._field("general.architecture")) != ARCHITECTURE:
            raise JobError(f"{path.name} must be of the llama architecture, got {architecture}")

    def model(self, dtype: torch.dtype) -> LlamaForCausalLM:
        """Return the dequantized model; the weights are copied, the file can go."""
        config = self._config()
        with torch.device("meta"):
            model = LlamaForCausalLM(config)
        # On the CPU again: buffers that no file holds are computed here.
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
        try:
            state = dict(self._tensors(config, dtype))
        except RefusedFileError as error:
            raise JobError(f"{self._path.name} cannot be read: {error}") from error
        model.load_state_dict(state, assign=True, strict=False)
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
        if name not in self._header.metadata:
            raise JobError(f"{self._path.name} must hold {name}")
        return self._header.metadata[name]

    def _config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self._field("llama.vocab_size"),
            hidden_size=self._field("llama.embedding_length"),
            intermediate_size=self._field("llama.feed_forward_length"),
            num_hidden_layers=self._field("llama.block_count"),
            num_attention_heads=self._field("llama.attention.head_count"),
            num_key_value_heads=self._field("llama.attention.head_count_kv"),
            head_dim=self._header.metadata.get("llama.attention.key_length"),
            max_position_embeddings=self.window,
            rms_norm_eps=self._field("llama.attention.layer_norm_rms_epsilon"),
            rope_theta=self._field("llama.rope.freq_base"),
            bos_token_id=self._field("tokenizer.ggml.bos_token_id"),
            eos_token_id=self._field("tokenizer.ggml.eos_token_id"),
            tie_word_embeddings=all(
                tensor.name != "output.weight" for tensor in self._header.tensors
            ),
        )

    def _tensors(
        self, config: LlamaConfig, dtype: torch.dtype
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield one tensor after the other: in float32 the whole would not fit a job's host."""
        content = np.memmap(self._path, np.uint8, "r")
        for tensor in self._header.tensors:
            name = checkpoint_name(tensor.name)
            start = self._header.tensors_start + tensor.offset
            weights = dequantize(content[start : start + tensor.size], tensor.kind, tensor.shape)
            heads = heads_of(name, config.num_attention_heads, config.num_key_value_heads)
            if heads is not None:
                weights = to_halves(weights, heads)
            yield name, torch.from_numpy(weights).to(dtype)
