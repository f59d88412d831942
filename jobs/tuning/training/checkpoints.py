"""Where a training keeps its checkpoints, and which of them it resumes from."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from allowed_values.hyperparameters import Hyperparameters
from tuning.channels import Channels

_NAME_LENGTH = 32  # hexadecimal digits
_STATE = ("trainer_state.json", "scheduler.pt")
_INDEX = "model.safetensors.index.json"
# What is raised by half an index, or by JSON that is none.
_NO_INDEX = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_UNDIVIDED = ("model.safetensors", "adapter_model.safetensors")
_SHARDED = ("pytorch_model_fsdp_0", "optimizer_0")  # each GPU writes its part of the two


def checkpoint_folder(p: Hyperparameters, channels: Channels, processes: int) -> Path:
    """Return the folder of this training's checkpoints, which no other training has.

    It is named by the contents of all that the training reads. Whatever checkpoints SageMaker
    brings along, those of other data, weights or hyperparameters are never found.
    """
    digest = hashlib.sha256(json.dumps([asdict(p), processes]).encode())
    for channel in (channels.train, channels.validation, channels.base):
        for path in sorted(file for file in channel.rglob("*") if file.is_file()):
            with path.open("rb") as file:  # 14.5 GB of Mistral take seconds
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{content} {path.relative_to(channel)}\n".encode())
        digest.update(b"\n")
    return channels.checkpoints / digest.hexdigest()[:_NAME_LENGTH]


def newest_complete(directory: Path, processes: int = 1) -> Path | None:
    """Return the newest checkpoint that was written and uploaded whole, or None."""
    checkpoints = sorted(
        (path for path in directory.glob("checkpoint-*") if path.name[11:].isdecimal()),
        key=lambda path: int(path.name[11:]),
    )
    whole = (path for path in reversed(checkpoints) if _is_complete(path, processes))
    return next(whole, None)


def _is_complete(checkpoint: Path, processes: int) -> bool:
    # The interruption may have come in the middle of a checkpoint, or of its copy to S3.
    if not _all_there(checkpoint, _STATE):
        return False
    if any((checkpoint / name).is_dir() for name in _SHARDED):
        parts = [".metadata", *(f"__{rank}_0.distcp" for rank in range(processes))]
        return all(_all_there(checkpoint / name, parts) for name in _SHARDED)
    return _all_there(checkpoint, ["optimizer.pt"]) and _has_weights(checkpoint)


def _has_weights(checkpoint: Path) -> bool:
    if (index := checkpoint / _INDEX).is_file():
        try:
            shards = {str(name) for name in json.loads(index.read_bytes())["weight_map"].values()}
        except _NO_INDEX:
            return False
        return _all_there(checkpoint, shards)
    return any((checkpoint / name).is_file() for name in _UNDIVIDED)


def _all_there(directory: Path, names: Iterable[str]) -> bool:
    return all((directory / name).is_file() for name in names)
