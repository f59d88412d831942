"""The names and the rows of a model's tensors, in a checkpoint and in llama.cpp's file."""

import numpy as np
import pytest
from gguf import MODEL_ARCH, get_tensor_name_map

from gguf_files.header import RefusedFileError
from gguf_files.layout import checkpoint_name, gguf_name, heads_of, to_halves, to_pairs

_NAMES = (
    *("model.embed_tokens", "model.norm", "lm_head"),
    *(f"model.layers.3.self_attn.{name}_proj" for name in "qkvo"),
    *(f"model.layers.3.mlp.{name}_proj" for name in ("gate", "up", "down")),
    *("model.layers.3.input_layernorm", "model.layers.3.post_attention_layernorm"),
)


@pytest.mark.parametrize("name", _NAMES)
def test_names_are_those_that_llama_cpp_knows(name: str) -> None:
    known = get_tensor_name_map(MODEL_ARCH.LLAMA, 4).get_name(f"{name}.weight", (".weight",))
    assert gguf_name(f"{name}.weight") == known
    assert checkpoint_name(str(known)) == f"{name}.weight"


@pytest.mark.parametrize(
    "name", ["model.layers.0.mlp.experts.weight", "lm_head.bias", "model.layers.0.lm_head.weight"]
)
def test_name_that_llama_cpp_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(RefusedFileError, match=f"llama.cpp must know its tensors, got {name}"):
        gguf_name(name)


@pytest.mark.parametrize("name", ["blk.0.attn_q.bias", "blk.0.output.weight", "rope_freqs.weight"])
def test_tensor_of_another_model_is_refused(name: str) -> None:
    with pytest.raises(RefusedFileError, match=f"weights of a Llama or a Mistral only, got {name}"):
        checkpoint_name(name)


def test_rows_that_turn_are_neighbours_in_llama_cpp() -> None:
    rows = np.arange(16, dtype=np.float32).repeat(2).reshape(16, 2)
    paired = to_pairs(rows, 2)
    assert paired[:, 0].tolist() == [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15]
    assert np.array_equal(to_halves(paired, 2), rows)


def test_only_queries_and_keys_turn() -> None:
    found = {name: heads_of(f"{name}.weight", 32, 8) for name in _NAMES}
    assert {name: heads for name, heads in found.items() if heads} == {
        "model.layers.3.self_attn.q_proj": 32,
        "model.layers.3.self_attn.k_proj": 8,
    }
