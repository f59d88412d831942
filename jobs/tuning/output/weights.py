"""Writes a tuned model as its server loads it, and its adapter beside it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftModel
from transformers import GenerationConfig, Trainer

from gguf_files.convert import convert
from language_models.base_weights import Model, find_gguf, load_model, load_tokenizer

GGUF = "model.gguf"  # llama.cpp's image serves the first such file of the folder
ADAPTER = "adapter"  # beside the weights, its files would make TGI take them for an adapter only
_DTYPE = torch.bfloat16
_SHARD_SIZE = "5GB"
# What a base has beside its weights: what the model is served with, and what is kept of a model.
_COPIED = (
    *("config.json", "generation_config.json", "chat_template.jinja", "chat_template.json"),
    *("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.json", "merges.txt"),
)
_TEXTS, _TEXT_SUFFIXES = ("LICENSE", "LICENCE", "NOTICE", "USE_POLICY"), ("", ".md", ".txt")


def write_adapted_model(trainer: Trainer, base: Path, target: Path, base_id: str) -> None:
    """Write the adapter, and the base weights with the adapter merged into them."""
    if not trainer.is_world_process_zero():
        return
    adapted = trainer.accelerator.unwrap_model(trainer.model)
    adapted.active_peft_config.base_model_name_or_path = base_id  # not the path in this container
    adapted.save_pretrained(target / ADAPTER, save_embedding_layers=False)
    (target / ADAPTER / "README.md").unlink(missing_ok=True)  # peft's model card, not filled in
    # From the base again: merged into quantized weights, the adapter would carry on their errors.
    whole = load_model(base, dtype=_DTYPE, device="cpu")
    merged = PeftModel.from_pretrained(whole, target / ADAPTER).merge_and_unload()
    _write(merged, merged.state_dict(), base, target)


def write_full_model(trainer: Trainer, base: Path, target: Path) -> None:
    """Write weights that were all trained; every process takes part in gathering them."""
    state = trainer.accelerator.get_state_dict(trainer.model)
    if trainer.is_world_process_zero():
        _write(trainer.accelerator.unwrap_model(trainer.model), state, base, target)


def replace_by_gguf(target: Path, kind: str) -> None:
    """Write the model's safetensors as one GGUF file in their place."""
    convert(target, target / GGUF, kind)
    for file in (*target.glob("*.safetensors"), target / "model.safetensors.index.json"):
        file.unlink(missing_ok=True)


def _write(model: Model, state: Mapping[str, torch.Tensor], base: Path, target: Path) -> None:
    model.config.use_cache = True
    model.config.dtype = _DTYPE
    # Today's checks may refuse the base's own one, which is copied as it is.
    model.generation_config = GenerationConfig.from_model_config(model.config)
    model.save_pretrained(
        target,
        state_dict={name: tensor.to(_DTYPE) for name, tensor in state.items()},
        max_shard_size=_SHARD_SIZE,
    )
    if find_gguf(base):
        load_tokenizer(base).save_pretrained(target)
    else:
        _copy_beside_weights(base, target)


def _copy_beside_weights(base: Path, target: Path) -> None:
    # Tuning changes none of these files, and TGI 1.1 cannot read a tokenizer.json written today.
    for file in base.iterdir():
        is_text = file.stem.upper() in _TEXTS and file.suffix in _TEXT_SUFFIXES
        if is_text or file.name in _COPIED:
            shutil.copyfile(file, target / file.name)
