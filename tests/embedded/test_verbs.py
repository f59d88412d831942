"""The verbs that need a running embedded AWS, when none runs."""

from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from tests.embedded.conftest import LocalStage


@pytest.mark.parametrize("verb", ["status", "info", "logs", "chat", "openai", "proxy"])
def test_a_verb_says_in_one_line_that_nothing_runs(tmp_path: Path, verb: str) -> None:
    ended = LocalStage(free_port(), tmp_path).try_verb(verb)
    assert ended.returncode == 1
    assert ended.stderr == "the embedded AWS is not running: `make up` starts it\n"
