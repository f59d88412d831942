"""The training job's script, which refuses before it loads a model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REQUIRED = {"base_model_id": "mistral-7b", "base_model_license": "apache-2.0"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (REQUIRED | {"epoch": "0"}, "epoch must be from 1 to 1000, got 0"),
        (REQUIRED, "the channels must be train, validation, model, there is no model"),
    ],
)
def test_script_writes_the_failure_reason(
    tmp_path: Path, given: dict[str, str], reason: str
) -> None:
    for folder in ("config", "data/train", "data/validation"):
        (tmp_path / "input" / folder).mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text(json.dumps(given))
    ended = subprocess.run(
        [sys.executable, ROOT / "jobs", "fine_tune"],
        env={**os.environ, "TRAINING_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert (tmp_path / "output" / "failure").read_text() == reason
    assert ended.stderr.splitlines()[-1] == reason
