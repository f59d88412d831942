"""The verbs as a rehearsal runs them: with a job's variables, with their logs, and to their end."""

import threading
from pathlib import Path

import pytest

from embedded_aws.tests.account import until
from rehearsal.ci.shell import Shell, StepFailedError

_MAKEFILE = """
say:
\t@echo "$(WORDS) $$AWS_ACCESS_KEY_ID/$$AWS_PROFILE/$$AWS_ENDPOINT_URL"
fail:
\t@echo "what it did" ; echo "why it failed" >&2 ; exit 3
hang:
\t@sleep 60
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text(_MAKEFILE)
    return tmp_path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    logs = tmp_path / "logs"
    logs.mkdir()
    return Shell(logs=logs, variables={"AWS_ENDPOINT_URL": "http://here"})


def test_a_verb_has_the_credentials_of_its_job_and_nothing_of_the_callers_shell(
    shell: Shell, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    said = shell.make(checkout, "say", {"AWS_ACCESS_KEY_ID": "job"}, WORDS="two words")
    assert said == "two words job//http://here\n"


def test_a_verb_that_fails_says_why_and_keeps_all_that_it_said(
    shell: Shell, checkout: Path
) -> None:
    with pytest.raises(StepFailedError, match="why it failed"):
        shell.make(checkout, "fail", {})
    kept = "".join(file.read_text() for file in shell.logs.iterdir())
    assert "what it did" in kept
    assert "why it failed" in kept


def test_verbs_of_all_threads_end_when_the_shell_stops(shell: Shell, checkout: Path) -> None:
    ended: list[str] = []

    def hang() -> None:
        try:
            shell.make(checkout, "hang", {})
        except StepFailedError as error:
            ended.append(str(error))

    thread = threading.Thread(target=hang)
    thread.start()
    until(lambda: shell._running)
    shell.stop()
    thread.join(120)
    assert len(ended) == 1
