"""A tuned model as the file that llama.cpp serves: `make gguf`."""

from pathlib import Path

import numpy as np
from gguf import (
    MODEL_ARCH,
    GGMLQuantizationType,
    GGUFWriter,
    LlamaFileType,
    TokenType,
    get_tensor_name_map,
    quants,
)
from sentencepiece import SentencePieceProcessor

from operate.gguf_file.checkpoint import Array, Checkpoint
from operate.gguf_file.header import RefusedFileError

# What the package gguf can write: K-quants, such as Q4_K_M, take llama.cpp's own `llama-quantize`.
KINDS = {
    "F16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "Q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
    "Q4_0": (GGMLQuantizationType.Q4_0, LlamaFileType.MOSTLY_Q4_0),
}
_MATRIX = 2


def gguf(*, source: Path | None, target: Path | None, kind: str) -> None:
    """Write a checkpoint's folder as one GGUF file; raises SystemExit with why not."""
    if source is None or target is None:
        raise SystemExit("give the checkpoint's folder and the new file: FROM=folder TO=file.gguf")
    if target.exists():
        raise SystemExit(f"TO must name a new file: {target} is there already")
    try:
        checkpoint = Checkpoint(source)
        unfinished = target.with_name(f".{target.name}.unfinished")
        _write(checkpoint, unfinished, kind)
        unfinished.replace(target)
    except RefusedFileError as error:
        raise SystemExit(f"{source} cannot be written as a GGUF file: {error}") from error
    print(f"{target}: {target.stat().st_size} bytes, {kind}")


def _write(checkpoint: Checkpoint, target: Path, kind: str) -> None:
    """Write one tensor after the other: a model need not fit into the memory."""
    writer = GGUFWriter(target, "llama")
    quantization, file_type = KINDS[kind]
    writer.add_file_type(file_type)
    writer.add_quantization_version(2)
    _add_shape(writer, checkpoint)
    _add_vocabulary(writer, checkpoint)
    kinds = {name: _kind(checkpoint.shape(name), quantization) for name in checkpoint}
    names = _names(checkpoint)
    for name, each in kinds.items():
        shape = checkpoint.shape(name)
        as_bytes = quants.quant_shape_to_byte_shape(shape, each)
        writer.add_tensor_info(
            names[name], as_bytes, np.dtype(np.uint8), int(np.prod(as_bytes)), raw_dtype=each
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, each in kinds.items():
        writer.write_tensor_data(quants.quantize(_reordered(checkpoint, name), each).view(np.uint8))
    writer.close()


def _kind(shape: tuple[int, ...], wanted: GGMLQuantizationType) -> GGMLQuantizationType:
    """Return how a tensor is written: norms, which are small, as they are."""
    return wanted if len(shape) == _MATRIX else GGMLQuantizationType.F32


def _names(checkpoint: Checkpoint) -> dict[str, str]:
    find = get_tensor_name_map(MODEL_ARCH.LLAMA, checkpoint.config["num_hidden_layers"]).get_name
    found = {name: find(name, (".weight", ".bias")) for name in checkpoint}
    if unknown := sorted(name for name, known in found.items() if known is None):
        raise RefusedFileError(f"llama.cpp must know its tensors, got {', '.join(unknown[:3])}")
    return {name: known for name, known in found.items() if known}


def _reordered(checkpoint: Checkpoint, name: str) -> Array:
    """Read a tensor, with the rows of queries and keys in llama.cpp's order.

    Its rotary embedding turns neighbours, where transformers' turns halves.
    """
    values, config = checkpoint.tensor(name), checkpoint.config
    heads = {
        "q_proj.weight": config["num_attention_heads"],
        "k_proj.weight": config["num_key_value_heads"],
    }
    count = heads.get(".".join(name.split(".")[-2:]))
    if count is None:
        return values
    halves = values.reshape(count, 2, values.shape[0] // count // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)


def _add_shape(writer: GGUFWriter, checkpoint: Checkpoint) -> None:
    config = checkpoint.config
    heads = config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_dimension_count(head_size)
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta", 10_000.0))


def _add_vocabulary(writer: GGUFWriter, checkpoint: Checkpoint) -> None:
    pieces = SentencePieceProcessor(model_file=str(checkpoint.vocabulary))
    added = {number: token for token, number in checkpoint.added_tokens().items()}
    known, count = pieces.vocab_size(), checkpoint.config["vocab_size"]
    if count < known:
        raise RefusedFileError(f"its vocab_size must be at least {known}, got {count}")
    rest = range(known, count)
    writer.add_tokenizer_model("llama")
    tokens = [pieces.id_to_piece(n) for n in range(known)]
    writer.add_token_list([*tokens, *(added.get(n, f"[PAD{n}]") for n in rest)])
    writer.add_token_scores([*map(pieces.get_score, range(known)), *(-1000.0 for _ in rest)])
    types = [_type(pieces, n) for n in range(known)]
    writer.add_token_types(
        [*types, *(TokenType.CONTROL if n in added else TokenType.UNUSED for n in rest)]
    )
    writer.add_bos_token_id(pieces.bos_id())
    writer.add_eos_token_id(pieces.eos_id())
    writer.add_unk_token_id(pieces.unk_id())
    writer.add_add_bos_token(value=True)


def _type(pieces: SentencePieceProcessor, number: int) -> TokenType:
    if pieces.is_unknown(number):
        return TokenType.UNKNOWN
    if pieces.is_control(number):
        return TokenType.CONTROL
    return TokenType.BYTE if pieces.is_byte(number) else TokenType.NORMAL
