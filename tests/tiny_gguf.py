"""A tiny model of Mistral's architecture with random weights, quantised, with a real vocabulary.

    python -m tests.tiny_gguf VOCABULARY.model OUT.gguf

It stands in for a person's own Mistral-7B: llama.cpp loads it at once, and counts its tokens as
Mistral's. What it says makes no sense. K-quants are not in the package gguf; Q4_0 is.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, TokenType, quants
from sentencepiece import SentencePieceProcessor

WIDTH, LAYERS, HEADS, KEY_HEADS, INNER = 64, 2, 4, 2, 128
_KIND, _FILE_TYPE = GGMLQuantizationType.Q4_0, LlamaFileType.MOSTLY_Q4_0


def write_tiny_mistral(path: Path, vocabulary: Path, *, context: int = 8192) -> Path:
    """Write the model with the vocabulary of a SentencePiece file; it takes a second."""
    pieces = SentencePieceProcessor(model_file=str(vocabulary))
    writer = GGUFWriter(path, "llama")
    add_shape(writer, context)
    writer.add_file_type(_FILE_TYPE)
    add_vocabulary(writer, pieces)
    random = np.random.default_rng(7)
    for name, shape in _shapes(pieces.vocab_size()):
        if len(shape) == 1:
            writer.add_tensor(f"{name}.weight", np.ones(shape, np.float32))
        else:
            values = random.normal(0, 0.05, shape).astype(np.float32)
            writer.add_tensor(f"{name}.weight", quants.quantize(values, _KIND), raw_dtype=_KIND)
    return finish(writer, path)


def add_shape(writer: GGUFWriter, context: int) -> None:
    """Add what llama.cpp must know of the layers."""
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)


def add_vocabulary(writer: GGUFWriter, pieces: SentencePieceProcessor) -> None:
    """Add the tokens as llama.cpp's converter writes those of a SentencePiece file."""
    numbers = range(pieces.vocab_size())
    writer.add_vocab_size(len(numbers))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([pieces.id_to_piece(number).encode() for number in numbers])
    writer.add_token_scores([pieces.get_score(number) for number in numbers])
    writer.add_token_types([_type(pieces, number) for number in numbers])
    writer.add_bos_token_id(pieces.bos_id())
    writer.add_eos_token_id(pieces.eos_id())
    writer.add_unk_token_id(pieces.unk_id())
    writer.add_add_bos_token(value=True)


def finish(writer: GGUFWriter, path: Path) -> Path:
    """Write the file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _type(pieces: SentencePieceProcessor, number: int) -> TokenType:
    if pieces.is_unknown(number):
        return TokenType.UNKNOWN
    if pieces.is_control(number):
        return TokenType.CONTROL
    return TokenType.BYTE if pieces.is_byte(number) else TokenType.NORMAL


def _shapes(words: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from (("token_embd", (words, WIDTH)), ("output", (words, WIDTH)))
    yield "output_norm", (WIDTH,)
    keys = WIDTH // HEADS * KEY_HEADS
    for block in range(LAYERS):
        yield from (
            (f"blk.{block}.attn_norm", (WIDTH,)),
            (f"blk.{block}.attn_q", (WIDTH, WIDTH)),
            (f"blk.{block}.attn_k", (keys, WIDTH)),
            (f"blk.{block}.attn_v", (keys, WIDTH)),
            (f"blk.{block}.attn_output", (WIDTH, WIDTH)),
            (f"blk.{block}.ffn_norm", (WIDTH,)),
            (f"blk.{block}.ffn_gate", (INNER, WIDTH)),
            (f"blk.{block}.ffn_up", (INNER, WIDTH)),
            (f"blk.{block}.ffn_down", (WIDTH, INNER)),
        )


if __name__ == "__main__":
    write_tiny_mistral(Path(sys.argv[2]), Path(sys.argv[1]))
