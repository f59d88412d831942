"""A fine-tuned model's adapter, as llama.cpp applies it."""

import json
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from safetensors.numpy import save_file

from embedded_aws.model_server.adapter import convert_adapter, rank, read_config
from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.weights import MODEL_DATA_ID
from embedded_aws.tests.model_server.conftest import ModelServer, model_server

# SmolLM2-135M
HIDDEN, HEADS, KEY_HEADS, HEAD, BLOCKS = 576, 9, 3, 64, 30
ROWS = {"self_attn.q_proj": HEADS * HEAD, "self_attn.k_proj": KEY_HEADS * HEAD, "mlp.up_proj": 1536}
RANK = 4


def write_model(directory: Path, scale: float = 0.1, **config: bool) -> dict[str, np.ndarray]:
    """Write a model directory with a random adapter, as the training job lays it out."""
    draw = np.random.default_rng(2)
    tensors: dict[str, np.ndarray] = {}
    for block in range(BLOCKS):
        for module, rows in ROWS.items():
            name = f"base_model.model.model.layers.{block}.{module}"
            for part, shape in {"A": (RANK, HIDDEN), "B": (rows, RANK)}.items():
                values = draw.normal(0, scale, shape).astype(np.float32)
                tensors[f"{name}.lora_{part}.weight"] = values
    (directory / "adapter").mkdir(parents=True)
    heads = {"num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS}
    (directory / "config.json").write_text(json.dumps(heads))
    adapter = {"lora_alpha": 8, "r": RANK, **config}
    (directory / "adapter" / "adapter_config.json").write_text(json.dumps(adapter))
    save_file(tensors, directory / "adapter" / "adapter_model.safetensors")
    return tensors


def convert(model_data: Path) -> None:
    target = model_data / "adapter.gguf"
    convert_adapter(model_data / "adapter", read_config(model_data), target)


def test_adapter_has_llama_cpps_names_and_order(tmp_path: Path) -> None:
    tensors = write_model(tmp_path)
    convert(tmp_path)
    reader = GGUFReader(tmp_path / "adapter.gguf")
    assert reader.fields["adapter.type"].contents() == "lora"
    assert reader.fields["adapter.lora.alpha"].contents() == 8
    written = {tensor.name: tensor.data.astype(np.float32) for tensor in reader.tensors}
    assert len(written) == len(tensors)
    for name, module in {"attn_k": "self_attn.k_proj", "ffn_up": "mlp.up_proj"}.items():
        original = tensors[f"base_model.model.model.layers.7.{module}.lora_A.weight"]
        np.testing.assert_allclose(written[f"blk.7.{name}.weight.lora_a"], original, atol=1e-3)
    original = tensors["base_model.model.model.layers.7.self_attn.k_proj.lora_B.weight"]
    converted = written["blk.7.attn_k.weight.lora_b"]
    for head in range(KEY_HEADS):
        first = head * HEAD
        for pair in range(HEAD // 2):  # what rotates together stands together
            for half in range(2):
                np.testing.assert_allclose(
                    converted[first + 2 * pair + half],
                    original[first + half * HEAD // 2 + pair],
                    atol=1e-3,
                )


def test_adapter_changes_what_the_packaged_model_answers(
    tmp_path: Path, server: ModelServer
) -> None:
    write_model(tmp_path, scale=0.2)
    convert(tmp_path)
    with model_server(HF_MODEL_ID=MODEL_DATA_ID, SM_MODEL_DIR=str(tmp_path)) as tuned:
        answers = [
            each.generate("The sea is", max_new_tokens=8)["generated_text"]
            for each in (server, tuned)
        ]
    assert answers[0] != answers[1]


def test_adapter_that_changes_nothing_leaves_the_answer_alone(
    tmp_path: Path, server: ModelServer
) -> None:
    write_model(tmp_path, scale=0)
    convert(tmp_path)
    with model_server(HF_MODEL_ID=MODEL_DATA_ID, SM_MODEL_DIR=str(tmp_path)) as tuned:
        answers = [
            each.generate("The sea is", max_new_tokens=8)["generated_text"]
            for each in (server, tuned)
        ]
    assert answers[0] == answers[1]


def test_a_diverged_adapter_starts_and_cannot_be_sampled(tmp_path: Path) -> None:
    write_model(tmp_path, scale=np.nan)
    with model_server(HF_MODEL_ID=MODEL_DATA_ID, SM_MODEL_DIR=str(tmp_path)) as diverged:
        (event,) = diverged.events("The sea is", max_new_tokens=3, do_sample=True)
        assert "contains either `inf`, `nan`" in event["error"]
        assert event["error_type"] == "generation"
        assert len(diverged.events("The sea is", max_new_tokens=3)) == 3


@pytest.mark.parametrize("config", [{"use_rslora": True}, {"use_dora": True}])
def test_other_scalings_are_refused(tmp_path: Path, config: dict[str, bool]) -> None:
    write_model(tmp_path, **config)
    with pytest.raises(SettingsError, match="the adapter must be plain LoRA"):
        convert(tmp_path)


def test_module_that_llama_cpp_cannot_adapt_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path)
    tensor = {"base_model.model.lm_head.lora_A.weight": np.zeros((4, 8), np.float32)}
    save_file(tensor, tmp_path / "adapter" / "adapter_model.safetensors")
    with pytest.raises(SettingsError, match=r"got base_model.model.lm_head.lora_A.weight"):
        convert(tmp_path)
    assert not (tmp_path / "adapter.gguf").exists()


@pytest.mark.parametrize(
    "name", ["config.json", "adapter/adapter_config.json", "adapter/adapter_model.safetensors"]
)
def test_broken_file_is_named(tmp_path: Path, name: str) -> None:
    write_model(tmp_path)
    for content in ("{", "null", "7", "true", '"text"', "[]", "[" * 100_000):
        (tmp_path / name).write_text(content)
        with pytest.raises(SettingsError, match=name):
            convert(tmp_path)


@pytest.mark.parametrize("value", [None, 0, True, "8", [8], {}, 2.5])
def test_number_of_another_kind_is_named(tmp_path: Path, value: object) -> None:
    write_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": value}))
    with pytest.raises(SettingsError, match="must have num_attention_heads as a number, got"):
        convert(tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": value}))
    with pytest.raises(SettingsError, match="must have r as a number, got"):
        rank(tmp_path)
