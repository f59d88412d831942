"""Where a training keeps its checkpoints, and which of them it resumes from."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from allowed_values.hyperparameters import parse_hyperparameters
from tests.unit.other_json import OTHER_JSON
from tuning.channels import Channels, find_channels
from tuning.training.checkpoints import checkpoint_folder, newest_complete


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


def test_checkpoint_with_half_an_index_is_passed_over(tmp_path: Path) -> None:
    checkpoint(tmp_path, 20, *DIVIDED)
    torn = checkpoint(tmp_path, 40, *DIVIDED) / "model.safetensors.index.json"
    whole = torn.read_text()
    for text in (*OTHER_JSON, whole[:60], '{"weight_map": 7}'):
        torn.write_text(text)
        assert newest_complete(tmp_path, processes=2) == tmp_path / "checkpoint-20"


def test_training_starts_anew_without_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-best").mkdir()
    assert newest_complete(tmp_path) is None
    assert newest_complete(tmp_path / "nothing") is None


def folder_name(
    root: Path, given: Mapping[str, str] = MappingProxyType({}), processes: int = 4
) -> str:
    model = {"base_model_id": "mistral-7b", "base_model_license": "apache-2.0"}
    folder = checkpoint_folder(parse_hyperparameters({**model, **given}), channels(root), processes)
    assert folder.parent == root / "checkpoints"
    return folder.name


def channels(root: Path) -> Channels:
    """The channels as they are, or new ones."""
    for name in ("train/train.jsonl", "validation/validation.jsonl", "model/deep/weights"):
        path = root / "input" / "data" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    return find_channels(root)


def test_a_training_finds_its_checkpoints_in_another_job(tmp_path: Path) -> None:
    assert folder_name(tmp_path / "one") == folder_name(tmp_path / "two")


@pytest.mark.parametrize(
    "changed", ["train/train.jsonl", "validation/validation.jsonl", "model/deep/weights"]
)
def test_a_training_on_other_contents_finds_none_of_its_checkpoints(
    tmp_path: Path, changed: str
) -> None:
    before = folder_name(tmp_path)
    path = tmp_path / "input" / "data" / changed
    path.write_bytes(path.read_bytes().swapcase())
    assert folder_name(tmp_path) != before


@pytest.mark.parametrize("given", [{"seed": "11"}, {"epoch": "2"}, {"base_model_id": "other"}])
def test_a_training_with_other_values_finds_none_of_its_checkpoints(
    tmp_path: Path, given: dict[str, str]
) -> None:
    assert folder_name(tmp_path, given) != folder_name(tmp_path)


def test_sharded_checkpoints_are_found_by_as_many_processes(tmp_path: Path) -> None:
    assert folder_name(tmp_path, processes=8) != folder_name(tmp_path)
