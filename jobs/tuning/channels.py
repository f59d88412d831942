"""Where a training job's data lie, by SageMaker's container contract."""

from dataclasses import dataclass
from pathlib import Path

from container import JobError

_CHANNELS = ("train", "validation", "model")


@dataclass(frozen=True)
class Channels:
    """The directories that a training job reads, and those that it writes."""

    train: Path
    validation: Path
    base: Path
    model: Path
    output_data: Path
    checkpoints: Path


def find_channels(root: Path) -> Channels:
    """Return the directories under /opt/ml; raise JobError for a missing channel."""
    data = root / "input" / "data"
    if missing := [name for name in _CHANNELS if not (data / name).is_dir()]:
        raise JobError(
            f"the channels must be {', '.join(_CHANNELS)}, there is no {' and no '.join(missing)}"
        )
    train, validation, base = (data / name for name in _CHANNELS)
    return Channels(
        train=train,
        validation=validation,
        base=base,
        model=root / "model",
        output_data=root / "output" / "data",
        checkpoints=root / "checkpoints",
    )
