"""Conversion of a fine-tuned model's PEFT adapter into the GGUF LoRA that llama.cpp applies."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFWriter
from safetensors import SafetensorError
from safetensors.numpy import load_file

from embedded_aws.model_server.errors import SettingsError

# PEFT's name of a module in a llama-architecture model, and llama.cpp's
_MODULES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TENSOR = re.compile(r".*\.layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])\.weight")

Array = npt.NDArray[np.float32]


def read_config(model_data: Path) -> dict[str, Any]:
    """Return the configuration of a tuned model; raises SettingsError."""
    return _read_json(model_data / "config.json")


def rank(folder: Path) -> int:
    """Return the rank of the adapter in a folder; raises SettingsError."""
    found: int = _number("r", _read_json(folder / "adapter_config.json"))
    return found


def convert_adapter(folder: Path, config: Mapping[str, Any], target: Path) -> None:
    """Write the adapter in a folder as GGUF; raises SettingsError.

    The configuration of its base says how many heads that has.
    """
    adapter = _read_json(folder / "adapter_config.json")
    if adapter.get("use_rslora") or adapter.get("use_dora"):
        raise SettingsError("the adapter must be plain LoRA, got rslora or dora")
    # beside it first: a server that starts at the same time must not read half of it
    unfinished = target.with_suffix(".unfinished")
    writer = GGUFWriter(unfinished, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_number("lora_alpha", adapter, (int, float))))
    for name, tensor in _tensors(folder / "adapter_model.safetensors", config):
        writer.add_tensor(name, tensor.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(target)


def _tensors(path: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    heads = {
        "attn_q": _number("num_attention_heads", config),
        "attn_k": _number("num_key_value_heads", config),
    }
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise SettingsError(f"{path} must be an adapter's safetensors: {error}") from error
    for name, tensor in sorted(tensors.items()):
        match = _TENSOR.fullmatch(name)
        if not match or match[2] not in _MODULES:
            known = ", ".join(_MODULES)
            raise SettingsError(f"the adapter must be on {known} only, got {name}")
        module = _MODULES[match[2]]
        if match[3] == "B" and module in heads:
            tensor = _halves_to_pairs(tensor, heads[module])  # noqa: PLW2901 - the same, reordered
        yield f"blk.{match[1]}.{module}.weight.lora_{match[3].lower()}", tensor


def _halves_to_pairs(rows: Array, heads: int) -> Array:
    """Rows in the order of llama.cpp's rotary embedding, which rotates pairs, not halves."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, rows.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows.shape)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise SettingsError(f"a fine-tuned model must hold {path}: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must be a JSON object, got a {type(content).__name__}")
    return content


def _number(name: str, settings: Mapping[str, Any], kinds: tuple[type, ...] = (int,)) -> Any:  # noqa: ANN401 - of one of these kinds
    found = settings.get(name)
    if found is None or type(found) not in kinds or found <= 0:
        raise SettingsError(f"the adapter or its base must have {name} as a number, got {found!r}")
    return found
