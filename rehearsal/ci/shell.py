"""The verbs, run as CI's steps run them: `make` in a checkout, with a job's variables."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_HEARTBEAT_SECONDS = 15
# What a shell of CI has of this one; credentials and settings of AWS's are each step's own.
_KEPT = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


class StepFailedError(Exception):
    """A step that exited with another code than 0; the message is the last thing it said."""


@dataclass
class Shell:
    """Runs verbs, and keeps all that they say in a folder of logs."""

    logs: Path
    variables: Mapping[str, str]
    _count: int = field(default=0, init=False)
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def make(
        self,
        checkout: Path,
        verb: str,
        credentials: Mapping[str, str],
        going_on: Callable[[str], None] = lambda _line: None,
        **given: str,
    ) -> str:
        """Return what a verb printed; raises StepFailedError."""
        words = [f"{name}={value}" for name, value in given.items()]
        command = ["make", "--no-print-directory", "-s", verb, *words]
        name = f"{given['ENV']}-{verb}" if "ENV" in given else verb
        environment = {**self._environment(), **credentials}
        return self._run(name, command, checkout, environment, going_on)

    def stop(self) -> None:
        """End all verbs that run, in whatever thread, with the programs that they started."""
        for running in list(self._running):
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**kept, **self.variables}

    def _run(
        self,
        name: str,
        command: list[str],
        checkout: Path,
        environment: dict[str, str],
        going_on: Callable[[str], None],
    ) -> str:
        with self._lock:
            self._count += 1
            said = self.logs / f"{self._count:03}-{name}"
        printed, errors = said.with_suffix(".out"), said.with_suffix(".log")
        with printed.open("wb") as out, errors.open("wb") as err:
            running = subprocess.Popen(  # noqa: S603 - a verb of the checkout
                command, cwd=checkout, env=environment, stdout=out, stderr=err,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            self._running.add(running)
            try:
                while True:
                    try:
                        code = running.wait(_HEARTBEAT_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        going_on(last_line(errors, printed))
            finally:
                self._running.discard(running)
        if code:
            raise StepFailedError(last_line(printed, errors).replace(str(checkout), "."))
        return printed.read_text(errors="replace")


def last_line(*files: Path) -> str:
    """Return the last line of the last file that has one."""
    lines = [
        line.strip()
        for file in files
        for line in file.read_text(errors="replace").splitlines()
        if line.strip() and not line.startswith("make: ***")
    ]
    return lines[-1] if lines else ""
