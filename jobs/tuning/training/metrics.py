"""The figures of a finished training."""

from statistics import fmean

import torch
from transformers import Trainer

_GIB = 2**30


def training_metrics(trainer: Trainer, tokens_before: int) -> dict[str, float]:
    """Return losses, steps and speed; `tokens_before` were read before an interruption."""
    history = trainer.state.log_history
    end = next(entry for entry in reversed(history) if "train_runtime" in entry)
    evaluations = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    # The trainer's own mean is over all steps of those since an interruption.
    logged = [entry["loss"] for entry in history if "loss" in entry] or [end["train_loss"]]
    metrics = {"steps": trainer.state.global_step, "train_loss": fmean(logged)}
    if evaluations:
        metrics |= {"eval_loss_before": evaluations[0], "eval_loss": min(evaluations)}
    tokens = trainer.state.num_input_tokens_seen - tokens_before
    metrics |= {
        "seconds": end["train_runtime"],
        "tokens_per_second": tokens / end["train_runtime"],  # the evaluations' time included
    }
    if torch.cuda.is_available():
        metrics["gpu_memory_gib"] = torch.cuda.max_memory_allocated() / _GIB
    return metrics
