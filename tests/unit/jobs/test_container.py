"""The container contract that the jobs share."""

from functools import partial
from pathlib import Path

from container import JobError, run_job


def test_failure_reason_is_that_of_the_first_process(tmp_path: Path) -> None:
    def fail(reason: str) -> None:
        raise JobError(reason)

    for reason in ("the loss is not a number", "connection reset by peer"):
        assert run_job(partial(fail, reason), tmp_path / "failure") == 1
    assert (tmp_path / "failure").read_text() == "the loss is not a number"
