"""An embedded AWS that is killed again and again; a deploy begins in a new one."""

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import until
from tests.embedded.conftest import LocalStage
from tests.kill import checks, disk, operations
from tests.kill.moments import Moment

_FULL_SECONDS = 3.0  # between a full disk and the kill
_START_SECONDS = 240


class Repair(NamedTuple):
    """When the kill was, what it interrupted, what the next start said, and how long `up` took."""

    at: str
    doing: str
    lost: str
    seconds: float


class Loop:
    """The kills, one after the other, each with its repair."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aws: LocalStage | None = None
        self._deploy_seconds = 0.0
        self._expected: dict[str, int] = {}

    def measure(self) -> None:
        """Deploy once undisturbed: what there is then must be there after each repair."""
        aws, began = self._new(), time.monotonic()
        aws.run("up")
        self._deploy_seconds = time.monotonic() - began
        self._expected = checks.counts(aws)

    def run(self, moment: Moment) -> Repair:
        """Kill at the moment, repair by `up`, and check."""
        aws = self._aws
        if aws is None or moment.operation == "deploy":
            aws = self._new()
            if moment.operation != "deploy":
                aws.run("up")
        doing = self._kill(aws, moment)
        at = time.strftime("%H:%M:%S")
        checks.nothing_runs(aws)
        began = time.monotonic()
        aws.run("up")
        seconds = time.monotonic() - began
        lost = aws.home / "lost.txt"
        said = lost.read_text() if lost.exists() else ""
        checks.is_whole(aws, self._expected)
        return Repair(at, doing, said, seconds)

    def close(self) -> None:
        """Stop the embedded AWS and delete its data."""
        if self._aws:
            self._aws.run("down")
            disk.delete(self._aws.home)
            self._aws = None

    def _kill(self, aws: LocalStage, moment: Moment) -> str:
        program = operations.begin(moment.operation, aws, self._folder / "program.log")
        try:
            until(lambda: _answers(aws), seconds=_START_SECONDS)
            kill_at = time.monotonic() + moment.seconds(self._deploy_seconds)
            with ExitStack() as stack:
                if moment.full_disk:
                    _sleep_until(kill_at - _FULL_SECONDS)
                    stack.enter_context(disk.full(aws.home, aws.pid))
                    kill_at = time.monotonic() + _FULL_SECONDS
                _sleep_until(kill_at)
                doing = operations.going_on(aws)
                os.kill(aws.pid, signal.SIGKILL)
        finally:
            operations.end(program)
        return doing

    def _new(self) -> LocalStage:
        self.close()
        home = self._folder / f"home-{time.monotonic_ns()}"
        if not disk.mount(home):
            print("no file system can be mounted here: a limit on files stands for a full disk")
        self._aws = LocalStage(free_port(), home)
        return self._aws


def _answers(aws: LocalStage) -> bool:
    try:
        aws.client("sts").get_caller_identity()
    except Exception:  # noqa: BLE001 - whatever it is, it is not there yet
        return False
    return True


def _sleep_until(at: float) -> None:
    time.sleep(max(0, at - time.monotonic()))
