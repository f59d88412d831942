"""One training, from the base weights or from its newest checkpoint."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from allowed_values.hyperparameters import Hyperparameters
from language_models.base_weights import Model
from language_models.examples import Example
from tuning.channels import Channels
from tuning.training.batches import collate
from tuning.training.checkpoints import checkpoint_folder, newest_complete
from tuning.training.metrics import training_metrics
from tuning.training.placement import Placement, check_placement, find_placement
from tuning.training.progress import MetricLines
from tuning.training.settings import evaluation_settings, trainer_settings
from tuning.training.sharding import keep_buffers_exact, sharding_settings
from tuning.training.trainable_model import load_trainable_model
from tuning.training.trainer import EvaluateAtEnd, InOrderTrainer, shuffled_epochs


def train(
    p: Hyperparameters,
    channels: Channels,
    examples: Sequence[Example],
    validation: Sequence[Example],
) -> tuple[Trainer, dict[str, float]]:
    """Train to the end or until validation gets no better; the trainer holds the best weights."""
    placement = find_placement()
    check_placement(p, placement, channels.base)
    checkpoints = checkpoint_folder(p, channels, placement.processes)
    checkpoint = newest_complete(checkpoints, placement.processes)
    settings = _settings(p, placement, channels.base, checkpoints)
    if validation:
        settings |= evaluation_settings(p, resumes=checkpoint is not None)
    # Before the model: a model that is to be sharded is loaded as these arguments say.
    arguments = TrainingArguments(**settings)
    set_seed(p.seed)  # an adapter starts from random weights
    model = load_trainable_model(channels.base, p, placement)
    trainer = _trainer(p, model, arguments, examples, validation)
    if placement.sharded(p):
        keep_buffers_exact(trainer)
    # peft looks for a vocabulary that was made larger, in a file that a GGUF model has not.
    warnings.filterwarnings("ignore", "Could not find a config file")
    tokens_before = 0
    if checkpoint:
        print(f"resuming from {checkpoint.name}", flush=True)
        tokens_before = _tokens_read(checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return trainer, training_metrics(trainer, tokens_before)


def _settings(
    p: Hyperparameters, placement: Placement, base: Path, checkpoints: Path
) -> dict[str, Any]:
    settings = trainer_settings(p, placement, checkpoints)
    if placement.sharded(p):
        settings |= sharding_settings(base, placement.gpus, placement.bytes_per_gpu)
    return settings


def _trainer(
    p: Hyperparameters,
    model: Model,
    arguments: TrainingArguments,
    examples: Sequence[Example],
    validation: Sequence[Example],
) -> Trainer:
    trainer = InOrderTrainer(
        model=model,
        args=arguments,
        data_collator=collate,
        train_dataset=shuffled_epochs(examples, p.epoch, p.seed),
        eval_dataset=validation or None,
        callbacks=[MetricLines(), *(_evaluation_callbacks(p) if validation else [])],
    )
    trainer.remove_callback(PrinterCallback)  # MetricLines says what it says
    return trainer


def _evaluation_callbacks(p: Hyperparameters) -> list[TrainerCallback]:
    patience = EarlyStoppingCallback(p.early_stopping_patience, p.early_stopping_threshold)
    return [EvaluateAtEnd(), patience]


def _tokens_read(checkpoint: Path) -> int:
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return int(state["num_input_tokens_seen"])
