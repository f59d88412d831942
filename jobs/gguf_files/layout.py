"""What llama.cpp calls the tensors of a Llama or a Mistral, and the order of their rows there."""

import re

import numpy as np

from gguf_files.header import RefusedFileError
from gguf_files.kinds import Array

ARCHITECTURE = "llama"  # Mistral-7B's too

_OUTSIDE = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_OF_A_LAYER = {
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
_IN_GGUF = {name: known for known, name in (_OUTSIDE | _OF_A_LAYER).items()}


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of a checkpoint's tensor; raises RefusedFileError."""
    match = re.fullmatch(r"(?:model\.layers\.(\d+)\.)?([\w.]+)\.weight", name)
    known = match and _IN_GGUF.get(match[2])
    if not match or not known or (known in _OF_A_LAYER) != (match[1] is not None):
        raise RefusedFileError(f"llama.cpp must know its tensors, got {name}")
    return f"{known}.weight" if match[1] is None else f"blk.{match[1]}.{known}.weight"


def checkpoint_name(name: str) -> str:
    """Return transformers' name of a GGUF file's tensor; raises RefusedFileError."""
    match = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.weight", name)
    known = _OUTSIDE if match and match[1] is None else _OF_A_LAYER
    if not match or match[2] not in known:
        raise RefusedFileError(f"it must hold weights of a Llama or a Mistral only, got {name}")
    prefix = "" if match[1] is None else f"model.layers.{match[1]}."
    return f"{prefix}{known[match[2]]}.weight"


def heads_of(name: str, heads: int, key_heads: int) -> int | None:
    """Return the heads that turn in a checkpoint's tensor; None where nothing does."""
    return {"q_proj": heads, "k_proj": key_heads}.get(name.split(".")[-2])


def to_pairs(values: Array, heads: int) -> Array:
    """Return rows for llama.cpp's rotary embedding, which turns neighbours: it was halves."""
    halves = values.reshape(heads, 2, len(values) // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)


def to_halves(values: Array, heads: int) -> Array:
    """Return rows for transformers' rotary embedding, which turns halves: it was neighbours."""
    pairs = values.reshape(heads, len(values) // heads // 2, 2, -1)
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)
