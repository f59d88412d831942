"""Which checkpoint an interrupted training resumes from."""

import json
from pathlib import Path

import pytest

from tuning.training.checkpoints import newest_complete


def checkpoint(directory: Path, step: int, *names: str) -> Path:
    path = directory / f"checkpoint-{step}"
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    if (index := path / "model.safetensors.index.json").is_file():
        shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
        index.write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    return path


STATE = ("trainer_state.json", "scheduler.pt")
WHOLE = (*STATE, "optimizer.pt", "adapter_model.safetensors")
DIVIDED = (
    *STATE, "optimizer.pt", "model.safetensors.index.json", "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
)  # fmt: skip
SHARDED = (
    *STATE,
    *(
        f"{folder}/{name}"
        for folder in ("pytorch_model_fsdp_0", "optimizer_0")
        for name in (".metadata", "__0_0.distcp", "__1_0.distcp")
    ),
)


def test_newest_checkpoint_is_chosen_by_its_step(tmp_path: Path) -> None:
    for step in (20, 100, 80):
        checkpoint(tmp_path, step, *WHOLE)
    assert newest_complete(tmp_path) == tmp_path / "checkpoint-100"


@pytest.mark.parametrize(
    ("names", "missing"),
    [(names, missing) for names in (WHOLE, DIVIDED, SHARDED) for missing in names],
)
def test_torn_checkpoint_is_passed_over(
    tmp_path: Path, names: tuple[str, ...], missing: str
) -> None:
    checkpoint(tmp_path, 20, *names)
    checkpoint(tmp_path, 40, *(name for name in names if name != missing))
    assert newest_complete(tmp_path, processes=2) == tmp_path / "checkpoint-20"


def test_training_starts_anew_without_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-best").mkdir()
    assert newest_complete(tmp_path) is None
    assert newest_complete(tmp_path / "nothing") is None
