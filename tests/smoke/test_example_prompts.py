"""The example prompts, as their reader would run them, against the deployed API."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.smoke.conftest import Stage

_EXAMPLES = sorted((Path(__file__).parents[2] / "examples/prompts").glob("[a-z]*.py"))


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prompt_is_answered(stage: Stage, example: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(example)],
        env={
            **os.environ,
            "OPENAI_BASE_URL": f"{stage.base_url}/v1",
            "OPENAI_API_KEY": stage.api_key,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()


def test_there_is_an_example_of_every_kind() -> None:
    assert {path.stem for path in _EXAMPLES} == {
        "arithmetic",
        "code",
        "few_shot",
        "json_answer",
        "long_context",
        "retrieval",
        "summary",
        "translation",
    }
