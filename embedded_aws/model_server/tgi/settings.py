"""The serving container's environment, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from embedded_aws.model_server.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One container's model and limits, under the names and with the defaults of TGI 1.1."""

    hf_model_id: str
    sm_model_dir: Path = Path("/opt/ml/model")
    max_input_length: int = 1024
    max_total_tokens: int = 2048
    max_batch_prefill_tokens: int = 4096
    max_concurrent_requests: int = 128
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other."""
        longest = self.max_input_length
        if longest >= self.max_total_tokens:
            given = f"{longest} and {self.max_total_tokens}"
            raise SettingsError(f"MAX_INPUT_LENGTH must be below MAX_TOTAL_TOKENS, got {given}")
        if longest > self.max_batch_prefill_tokens:
            given = f"{longest} and {self.max_batch_prefill_tokens}"
            raise SettingsError(
                f"MAX_INPUT_LENGTH must be at most MAX_BATCH_PREFILL_TOKENS, got {given}"
            )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read each setting under its own name in capitals; raises SettingsError."""
    if not environment.get("HF_MODEL_ID"):
        raise SettingsError("HF_MODEL_ID must be set")
    numbers = {
        field.name: _positive_integer(field.name.upper(), environment[field.name.upper()])
        for field in fields(Settings)
        if field.type is int and field.name.upper() in environment
    }
    return Settings(
        hf_model_id=environment["HF_MODEL_ID"],
        sm_model_dir=Path(environment.get("SM_MODEL_DIR", Settings.sm_model_dir)),
        **numbers,
    )


def _positive_integer(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and int(value) > 0):
        raise SettingsError(f"{name} must be a positive integer, got {value!r}")
    return int(value)
