"""Which checkpoint a training goes on from after a spot interruption."""

from pathlib import Path

_STATE = ("trainer_state.json", "optimizer.pt", "scheduler.pt")


def newest_complete(directory: Path) -> Path | None:
    """Return the newest checkpoint that was written and uploaded as a whole, if there is one."""
    checkpoints = sorted(
        (path for path in directory.glob("checkpoint-*") if path.name[11:].isdecimal()),
        key=lambda path: int(path.name[11:]),
    )
    return next((path for path in reversed(checkpoints) if _is_complete(path)), None)


def _is_complete(checkpoint: Path) -> bool:
    # the interruption may have come in the middle of a checkpoint, or of its copy to S3
    has_state = all((checkpoint / name).is_file() for name in _STATE)
    index = checkpoint / "model.safetensors.index.json"
    return has_state and (index.is_file() or any(checkpoint.glob("*.safetensors")))
