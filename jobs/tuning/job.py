"""The training job itself: data to examples, training, then the model with its records."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allowed_values.hyperparameters import Hyperparameters
from allowed_values.input_length import longest_input
from container import JobError
from gguf_files.convert import check_convertible
from gguf_files.header import RefusedFileError
from language_models.base_weights import find_gguf, find_window, load_tokenizer
from language_models.examples import Examples, make_examples, read_records
from tuning.channels import Channels
from tuning.output.licence import write_license
from tuning.output.model_card import write_model_card
from tuning.output.weights import replace_by_gguf, write_adapted_model, write_full_model
from tuning.training.train import train


def fine_tune(p: Hyperparameters, channels: Channels) -> None:
    """Train, and write the model, its card and the metrics, or raise JobError."""
    report = _read_report(channels.train, p)
    if p.gguf_kind:
        _check_convertible(channels.base)
    examples, validation = _read_examples(p, channels)
    left_out = {"train": examples.left_out, "validation": validation.left_out}
    _check_left_out(left_out, report)
    trainer, metrics = train(p, channels, examples.kept, validation.kept)
    metrics |= {f"{split}_records_left_out": count for split, count in left_out.items()}
    if p.lora:
        write_adapted_model(trainer, channels.base, channels.model, p.base_model_id)
    else:
        write_full_model(trainer, channels.base, channels.model)
    if trainer.is_world_process_zero():
        if p.gguf_kind:
            replace_by_gguf(channels.model, p.gguf_kind)
        write_license(channels.model, p)
        write_model_card(channels.model, p, report, metrics)
        _write_records(channels.output_data, metrics, trainer.state.log_history)


def _read_examples(p: Hyperparameters, channels: Channels) -> tuple[Examples, Examples]:
    tokenizer = load_tokenizer(channels.base)
    length = longest_input(p.max_input_length, find_window(channels.base))
    train, validation = (
        make_examples(
            read_records(path), tokenizer, prompt_format=p.prompt_format, max_input_length=length
        )
        for path in (channels.train / "train.jsonl", channels.validation / "validation.jsonl")
    )
    return train, validation


def _check_convertible(base: Path) -> None:
    """Raise JobError for a base whose tuned model would have no GGUF file, after all the work."""
    if find_gguf(base):
        return
    try:
        check_convertible(base)
    except RefusedFileError as error:
        raise JobError(f"weights_format must be safetensors for this base: {error}") from error


def _check_left_out(left_out: Mapping[str, int], report: Mapping[str, Any]) -> None:
    # The preparing job has estimated lengths only.
    records = sum(report["splits"][split] for split in left_out)
    if sum(left_out.values()) > report["max_rejected_fraction"] * records:
        raise JobError(
            f"{sum(left_out.values())} of {records} records are longer than max_input_length;"
            f" max_rejected_fraction allows {report['max_rejected_fraction']:g}"
        )


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
