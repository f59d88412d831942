"""The CDK CLI, pointed at the embedded AWS, one at a time."""

import fcntl
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from embedded_aws.host import home, private_files
from operate.cdk_cli import NO_PROFILE, ROOT, cdk_command, search_path


def cdk(*arguments: str) -> None:
    """Run the CDK CLI against the embedded AWS; raises SystemExit when it fails."""
    out = str(home.HOME / "cdk.out")
    run(*cdk_command(*arguments, NO_PROFILE, "--no-notices", "--output", out))


def run(*command: str) -> None:
    """Run a command that runs the CDK CLI; raises SystemExit when it fails."""
    with _only_cli() as lock:
        # It keeps its umask: what it builds goes to AWS too, where another user reads it.
        ended = subprocess.run(  # noqa: S603 - the CLI that the project pins
            command, env=_environment(), cwd=ROOT, check=False, pass_fds=[lock]
        )
        private_files.make_private(home.HOME)
    if ended.returncode:
        raise SystemExit(f"`{shlex.join(command)}` failed: see above; `make logs` shows more")


def _environment() -> dict[str, str]:
    """Return the environment in which a CLI talks to the embedded AWS, and to nothing else."""
    # The CDK's own validator takes 6 s of processor time; `make synth` and the tests run it.
    return {"CDK_VALIDATION": "false", **home.program_environment(), "PATH": search_path()}


@contextmanager
def _only_cli() -> Iterator[int]:
    """Yield a lock that each CLI holds while it lives, even if its parent was interrupted."""
    with (home.HOME / "cdk.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another CDK CLI, which is still deploying", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
