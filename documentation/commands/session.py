"""A shell in a clean clone, as a newcomer has one: what a command sets, the next one sees."""

import os
import select
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from embedded_aws.host.processes import free_port

_SECONDS = 900  # that a command may take
# Of the shell that runs the tests, and of a newcomer's not.
_OURS = (
    "AWS_",
    "CDK_",
    "GIVEN_",
    "LOCAL_",
    "MAKE",
    "MFLAGS",
    "OPENAI_",
    "PYTEST_",
    "PYTHON",
    "VIRTUAL_ENV",
)
# Takes the comment signs away, in the part of one environment, and writes the account.
_EDITOR = r"""#!/bin/sh
sed -i -e '/^\[environments.dev\]/,/^$/s/^# account = .*/account = "000000000000"/' \
  -e '/^\[environments.dev\]/,/^$/s/^# region = .*/region = "us-east-1"/' "$1"
"""


class Ended(NamedTuple):
    """How a command ended, what it printed, and after how long."""

    status: int
    output: str
    seconds: float


class Session:
    """A clone of a checkout's last commit, and one shell in it."""

    def __init__(self, checkout: Path) -> None:
        # A short path: sockets of the embedded AWS lie below it.
        self._scratch = tempfile.TemporaryDirectory(prefix="clone-", dir="/tmp")
        scratch = Path(self._scratch.name)
        self.clone = scratch / "clone"
        git = ["git", "clone", "--quiet", "--no-local", str(checkout), str(self.clone)]
        subprocess.run(git, check=True)
        editor = scratch / "editor"
        editor.write_text(_EDITOR)
        editor.chmod(0o755)
        self._log = scratch / "log"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(_OURS)},
            "PATH": _path_without(checkout),
            "LOCAL_AWS_PORT": str(free_port()),
            "EDITOR": str(editor),
        }

    def __enter__(self) -> Self:
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=self.clone,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind:  # An interrupted command has no other end than its own.
            with suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
        # In a shell of its own: that one may have been killed.
        down = ["make", "down"]
        subprocess.run(
            down, cwd=self.clone, env=self._environment, capture_output=True, check=False
        )
        self._scratch.cleanup()

    def run(self, command: str) -> Ended:
        """Run a command to its end, without an input of its own."""
        assert self._shell.stdin  # noqa: S101 - it has one
        assert self._shell.stdout  # noqa: S101 - likewise
        began = time.monotonic()
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null >{self._log} 2>&1; echo $?\n")
        self._shell.stdin.flush()
        ready, _, _ = select.select([self._shell.stdout], [], [], _SECONDS)
        if not ready:
            os.killpg(self._shell.pid, signal.SIGKILL)
        status = int(self._shell.stdout.readline() or -1)
        output = self._log.read_text(encoding="utf-8", errors="replace")
        return Ended(status, output, time.monotonic() - began)


def _path_without(checkout: Path) -> str:
    """Return the PATH without what the checkout has installed."""
    own = (str(checkout), str(checkout.resolve()))
    parts = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(part for part in parts if not part.startswith(own))
