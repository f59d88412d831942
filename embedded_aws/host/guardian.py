"""The guardian: it ends what a server leaves running, however the server ended.

`python -m embedded_aws.host.guardian OWNER` does it. Every program that the embedded AWS starts
inherits OWNER in its environment, and so do the programs that it starts in turn, in whatever
process group. The server holds the other end of this process's input: when it closes, nobody is
left to end them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

OWNER = "LOCAL_AWS_OWNER"
_POLL_SECONDS = 0.1
_MAX_SECONDS = 60


def guard(owner: str) -> subprocess.Popen[bytes]:
    """Start the guardian of this process, which must hold the result as long as it lives."""
    return subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "embedded_aws.host.guardian", owner],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def end_all(is_owner: Callable[[str], bool]) -> int:
    """Kill every process with such an owner; returns how many there were."""
    ended: set[int] = set()
    deadline = time.monotonic() + _MAX_SECONDS
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:  # noqa: PLR2004 - what was being started shows up in the second pass
        found = [process for process in psutil.process_iter() if is_owner(owner(process))]
        for process in found:
            with suppress(psutil.Error):
                process.kill()
                ended.add(process.pid)
        quiet = 0 if found else quiet + 1
        time.sleep(_POLL_SECONDS)
    return len(ended)


def owner(process: psutil.Process) -> str:
    """Return the owner that a process carries: an empty string if it is none of ours."""
    if process.pid == os.getpid():
        return ""
    try:
        return str(process.environ().get(OWNER, ""))
    except (psutil.Error, OSError):
        return ""  # another user's, or one that has ended


def main() -> None:
    """Wait for the end of the server, then end what it started."""
    owner = sys.argv[1]
    sys.stdin.buffer.read()
    end_all(lambda found: found == owner)


if __name__ == "__main__":
    main()
