"""The training job itself: data to examples, training, then the model with its records."""

import json
from pathlib import Path
from typing import Any

from container import JobError
from language_models.base_weights import find_window, load_tokenizer
from language_models.examples import make_examples, read_records
from tuning.channels import Channels
from tuning.hyperparameters import Hyperparameters
from tuning.model_card import write_model_card
from tuning.output import write_adapted_model, write_full_model
from tuning.training import train


def fine_tune(p: Hyperparameters, channels: Channels) -> None:
    """Train, and write the model, its card and the metrics; raises JobError."""
    report = _read_report(channels.train, p)
    tokenizer = load_tokenizer(channels.base)
    length = p.input_length(find_window(channels.base))
    examples, validation = (
        make_examples(
            read_records(path), tokenizer, prompt_format=p.prompt_format, max_input_length=length
        )
        for path in (channels.train / "train.jsonl", channels.validation / "validation.jsonl")
    )
    trainer, metrics = train(p, channels.base, channels.checkpoints, examples, validation)
    if p.lora:
        write_adapted_model(trainer, channels.base, channels.model, p.base_model_id)
    else:
        write_full_model(trainer, channels.base, channels.model)
    if trainer.is_world_process_zero():
        write_model_card(channels.model, p, report, metrics)
        _write_records(channels.output_data, metrics, trainer.state.log_history)


def _read_report(train: Path, p: Hyperparameters) -> dict[str, Any]:
    path = train / "report.json"
    if not path.is_file():
        raise JobError(f"{path} must exist, as the preparing job writes it")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if p.instruction_tuned != (report["mode"] == "instruction"):
        given = f"{p.instruction_tuned} with {report['mode']} data"
        raise JobError(f"instruction_tuned must be True for instruction data only, got {given}")
    return report


def _write_records(
    output: Path, metrics: dict[str, float], history: list[dict[str, float]]
) -> None:
    output.mkdir(parents=True, exist_ok=True)
    for name, value in {"metrics": metrics, "history": history}.items():
        text = json.dumps(value, indent=2) + "\n"
        (output / f"{name}.json").write_text(text, encoding="utf-8")
    print(json.dumps(metrics))
