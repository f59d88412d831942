"""Where a training job's data lie, as SageMaker's training toolkit names them."""

import os
from dataclasses import dataclass
from pathlib import Path

from container import JobError

_CHANNELS = ("SM_CHANNEL_TRAIN", "SM_CHANNEL_VALIDATION", "SM_CHANNEL_MODEL")


@dataclass(frozen=True)
class Channels:
    """The directories that a training job reads, and those that it writes."""

    train: Path
    validation: Path
    base: Path
    model: Path
    output_data: Path
    checkpoints: Path


def find_channels() -> Channels:
    """Read the environment; raises JobError for a channel that is not there."""
    if missing := [name for name in _CHANNELS if name not in os.environ]:
        wanted = "train, validation and model"
        raise JobError(f"the channels must be {wanted}, {', '.join(missing)} is not set")
    train, validation, base = (Path(os.environ[name]) for name in _CHANNELS)
    return Channels(
        train=train,
        validation=validation,
        base=base,
        model=Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")),
        output_data=Path(os.environ.get("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data")),
        checkpoints=Path(os.environ.get("CHECKPOINT_DIR", "/opt/ml/checkpoints")),
    )
