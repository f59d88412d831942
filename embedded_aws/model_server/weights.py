"""The files that llama.cpp loads for a model id."""

from dataclasses import dataclass
from pathlib import Path

from embedded_aws.model_server import packaged
from embedded_aws.model_server.errors import SettingsError

MODEL_DATA_ID = "/opt/ml/model"  # SageMaker's name for what it downloads from S3
ADAPTER_NAME = "adapter.gguf"


@dataclass(frozen=True)
class Weights:
    """A model in GGUF form, and LoRA adapters for it."""

    model: Path
    adapters: tuple[Path, ...] = ()


def find_weights(setting: str, model: str, directory: Path) -> Weights:
    """Find the model that a setting names, its model data in `directory`; raises SettingsError."""
    if model == packaged.MODEL_ID:
        return Weights(packaged_model())
    if model == MODEL_DATA_ID:
        return _model_data(directory)
    raise SettingsError(f"{setting} must be {packaged.MODEL_ID} or {MODEL_DATA_ID}, got {model!r}")


def _model_data(directory: Path) -> Weights:
    if (directory / "adapter").is_dir() and not list(directory.glob("*.gguf")):
        # what the fine-tuning job writes: its adapter is served on the packaged weights
        from embedded_aws.model_server.adapter import (  # noqa: PLC0415 - numpy and more, for adapters only
            convert_adapter,
            read_config,
        )

        convert_adapter(directory / "adapter", read_config(directory), directory / ADAPTER_NAME)
    match sorted(directory.glob("*.gguf")):
        case [adapter] if adapter.name == ADAPTER_NAME:
            return Weights(packaged_model(), (adapter,))
        case [model]:
            return Weights(model)
        case found:
            names = ", ".join(file.name for file in found) or "none"
            raise SettingsError(f"{directory} must hold exactly one .gguf file, got {names}")


def packaged_model() -> Path:
    """Return the packaged weights; raises SettingsError."""
    try:
        return packaged.weights()
    except FileNotFoundError as error:
        raise SettingsError(str(error)) from error
