"""The hyperparameters in the terms of transformers' Trainer."""

from pathlib import Path
from typing import Any

from allowed_values.hyperparameters import Hyperparameters
from tuning.training.placement import Placement
from tuning.training.trainable_model import RECOMPUTE

# The best one, the newest, which an interruption may have torn, and the one before.
_KEPT_CHECKPOINTS = 3


def trainer_settings(p: Hyperparameters, placement: Placement, checkpoints: Path) -> dict[str, Any]:
    """Return the arguments of TrainingArguments for a training that is not evaluated."""
    sharded = placement.sharded(p)
    return {
        "output_dir": str(checkpoints),
        "num_train_epochs": 1,  # the data hold all epochs
        "max_steps": p.max_steps,
        "learning_rate": p.learning_rate,
        "lr_scheduler_type": p.lr_scheduler_type,
        "warmup_ratio": p.warmup_ratio,
        "weight_decay": p.weight_decay,
        "max_grad_norm": p.max_grad_norm,
        "per_device_train_batch_size": p.per_device_train_batch_size,
        "per_device_eval_batch_size": p.per_device_eval_batch_size,
        "gradient_accumulation_steps": p.gradient_accumulation_steps,
        "gradient_checkpointing": p.gradient_checkpointing and not sharded,
        "gradient_checkpointing_kwargs": RECOMPUTE,
        "bf16": p.bf16 and placement.gpus > 0,
        "use_cpu": placement.gpus == 0,
        "dataloader_pin_memory": placement.gpus > 0,
        "ddp_find_unused_parameters": False,
        "seed": p.seed,
        "logging_steps": p.logging_steps,
        "logging_nan_inf_filter": False,  # the trainer refuses such a loss
        "save_strategy": "steps",
        "save_steps": p.eval_steps,
        "save_total_limit": _KEPT_CHECKPOINTS,
        "report_to": [],
        "disable_tqdm": True,
        "remove_unused_columns": False,
    }


def evaluation_settings(p: Hyperparameters, *, resumes: bool) -> dict[str, Any]:
    """Return what evaluating with each checkpoint adds to the trainer's settings."""
    return {
        "eval_strategy": "steps",
        "eval_steps": p.eval_steps,
        "eval_on_start": not resumes,  # the loss before training, for the model card
        "restore_callback_states_from_checkpoint": resumes,  # how much patience is left
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
    }
