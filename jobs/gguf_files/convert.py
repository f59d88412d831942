"""A checkpoint as the one file that llama.cpp serves: for the training job, and `make gguf`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gguf_files.checkpoint import Checkpoint, read_config
from gguf_files.header import BLOCKS
from gguf_files.kinds import WRITTEN, Array, Kind
from gguf_files.layout import ARCHITECTURE, gguf_name, heads_of, to_pairs
from gguf_files.vocabulary import vocabulary
from gguf_files.writer import Value, write_gguf

_MATRIX = 2
_DEFAULT_ROPE = 10_000.0  # where a configuration names none, as in transformers


def check_convertible(folder: Path) -> Mapping[str, Value]:
    """Return the metadata of a folder's model; raises RefusedFileError for one that has no file.

    It reads no weights: a training asks before it begins.
    """
    config = read_config(folder)
    return {**_shape(config), **vocabulary(folder, config["vocab_size"])}


def convert(folder: Path, target: Path, kind: str) -> None:
    """Write a checkpoint's folder as a new GGUF file, or leave none; raises RefusedFileError."""
    metadata = {
        "general.architecture": ARCHITECTURE,
        "general.type": "model",
        "general.file_type": WRITTEN[kind],
        "general.quantization_version": 2,
        **check_convertible(folder),
    }
    config, checkpoint = read_config(folder), Checkpoint(folder)
    described = {
        gguf_name(name): (checkpoint.shape(name), _kind(checkpoint.shape(name), Kind[kind]))
        for name in checkpoint
    }
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        tensors = (_tensor(checkpoint, name, config) for name in checkpoint)
        write_gguf(unfinished, metadata, described, tensors)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _kind(shape: tuple[int, ...], wanted: Kind) -> Kind:
    """Return a tensor's type: of norms, which are small, F32; of rows without whole blocks, F16."""
    if len(shape) != _MATRIX:
        return Kind.F32
    return wanted if shape[-1] % BLOCKS[wanted][0] == 0 else Kind.F16


def _tensor(checkpoint: Checkpoint, name: str, config: Mapping[str, Any]) -> Array:
    values = checkpoint.tensor(name)
    heads = heads_of(name, config["num_attention_heads"], config["num_key_value_heads"])
    return values if heads is None else to_pairs(values, heads)


def _shape(config: Mapping[str, Any]) -> dict[str, Value]:
    heads = config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    numbers: dict[str, Value] = {
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "block_count": config["num_hidden_layers"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": heads,
        "attention.head_count_kv": config["num_key_value_heads"],
        "attention.key_length": head_size,
        "attention.value_length": head_size,
        "attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "rope.dimension_count": head_size,
        "rope.freq_base": float(config.get("rope_theta") or _DEFAULT_ROPE),
        "vocab_size": config["vocab_size"],
    }
    return {f"{ARCHITECTURE}.{name}": value for name, value in numbers.items()}
