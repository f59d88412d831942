"""The model as it is trained: its weights in full, or frozen (and quantized) under an adapter."""

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import BitsAndBytesConfig

from allowed_values.hyperparameters import Hyperparameters
from container import JobError
from language_models.base_weights import Model, load_model
from tuning.training.placement import Placement

RECOMPUTE = {"use_reentrant": False}  # the kind of gradient checkpointing that DDP and LoRA allow


def load_trainable_model(base: Path, p: Hyperparameters, placement: Placement) -> Model:
    """Load the base, with an adapter where LoRA is chosen; raise JobError for a missing module."""
    # Weights that are trained themselves would lose small updates in 16 bits.
    half = p.lora and p.bf16 and placement.gpus > 0
    model = load_model(
        base,
        dtype=torch.bfloat16 if half else torch.float32,
        quantization=_quantization(p) if p.quantized else None,
        device=None if placement.sharded(p) else placement.device,
    )
    model.config.use_cache = False  # it speeds up generation only
    if p.quantized:
        _forbid_packing(model)
        model = prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=p.gradient_checkpointing,
            gradient_checkpointing_kwargs=RECOMPUTE,
        )
    return get_peft_model(model, _adapter(p, model)) if p.lora else model


def _forbid_packing(model: Model) -> None:
    # On some CPUs bitsandbytes packs the weights at the first evaluation, and gives wrong gradients
    # from then on.
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _quantization(p: Hyperparameters) -> BitsAndBytesConfig:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=p.quant_type,
        bnb_4bit_use_double_quant=p.double_quant,
        bnb_4bit_compute_dtype=torch.bfloat16 if p.bf16 else torch.float32,
    )


def _adapter(p: Hyperparameters, model: Model) -> LoraConfig:
    wanted = p.target_modules.split(",")
    present = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    if missing := sorted(set(wanted) - present):
        raise JobError(f"target_modules must be modules of the model, got {', '.join(missing)}")
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=p.lora_r,
        lora_alpha=p.lora_alpha,
        lora_dropout=p.lora_dropout,
        target_modules=wanted,
    )
