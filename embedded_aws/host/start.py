"""The server's program: `python -m embedded_aws.host.start`.

Whoever holds the lock on the folder of the state is its one server, and clears away what a killed
one left. Only then is ministack imported, which reads the folder as it is imported.
"""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from embedded_aws.host import guardian, home, private_files, running
from embedded_aws.state.snapshots import Snapshots

_POLL_SECONDS = 0.01


@contextmanager
def _only_server() -> Iterator[None]:
    with home.PID_FILE.open("a+") as pid_file:
        while not _is_locked(pid_file):
            if running.find(home.PID_FILE) is not None:
                raise SystemExit(f"another embedded AWS runs in {home.HOME}")
            time.sleep(_POLL_SECONDS)  # whoever looks whether one runs holds it for a moment
        pid_file.truncate(0)
        pid_file.write(f"{os.getpid()} {home.PORT}")
        pid_file.flush()
        yield


def _is_locked(file: IO[str]) -> bool:
    """Lock a file until this process ends; return False when another one has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear() -> None:
    """End the processes and delete the temporary files of servers that are no more."""
    owner = os.environ[guardian.OWNER]
    home_of = owner.rpartition("#")[0]
    left = guardian.end_all(lambda found: found != owner and found.rpartition("#")[0] == home_of)
    if left:
        print(f"ended {left} processes of a server that was killed", file=sys.stderr)
    shutil.rmtree(home.TEMPORARY, ignore_errors=True)
    home.TEMPORARY.mkdir(mode=0o700)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    os.umask(private_files.UMASK)
    private_files.make_private(home.HOME)
    with _only_server(), guardian.guard(os.environ[guardian.OWNER]):
        snapshots = Snapshots(home.SNAPSHOTS, home.LIVE)
        try:
            _clear()
            restored = snapshots.restore()
        except OSError as error:
            raise SystemExit(f"the embedded AWS cannot use {home.HOME}: {error}") from error
        from embedded_aws.host import server  # noqa: PLC0415 - as said above

        server.main(snapshots, *restored)
        shutil.rmtree(home.TEMPORARY, ignore_errors=True)


if __name__ == "__main__":
    main()
