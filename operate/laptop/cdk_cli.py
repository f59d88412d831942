"""The CDK CLI and the app's synth, pointed at the embedded AWS, one at a time."""

import fcntl
import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from embedded_aws.host import home, private_files
from operate.cdk_cli import NO_PROFILE, ROOT, cdk_command, exit_code, search_path

if TYPE_CHECKING:
    from operate.environment import Environment

ASSEMBLY = home.HOME / "cdk.out"
_POLL_OFTEN = Path(__file__).with_name("poll_often.cjs")


@dataclass(frozen=True)
class Cli:
    """What runs the CDK CLI. Its processes inherit the lock: they hold it while they live."""

    lock: int

    def cdk(self, *arguments: str) -> None:
        """Run the CDK CLI against the embedded AWS; raises SystemExit when it fails."""
        options = (NO_PROFILE, "--no-notices", "--output", str(ASSEMBLY))
        if self.try_cdk([*arguments, *options]):
            raise SystemExit(
                f"`cdk {shlex.join(arguments)}` failed: see above; `make logs` shows more"
            )

    def try_cdk(self, arguments: Sequence[str], stdout: TextIO | None = None) -> int:
        """Run the CDK CLI against the embedded AWS; returns its exit status."""
        options = f'--require="{_POLL_OFTEN}"'
        status = exit_code(self._start(cdk_command(*arguments), stdout, NODE_OPTIONS=options))
        private_files.make_private(home.HOME)
        return status

    @contextmanager
    def synthesis(self, environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Build the functions and synthesize an environment in a process beside this one.

        It runs cdk.json's own commands, as the CDK CLI does.
        """
        settings = json.loads((ROOT / "cdk.json").read_text())
        process = self._start(
            ("/bin/sh", "-c", f"{settings['build']} && exec {settings['app']}"),
            CDK_OUTDIR=str(ASSEMBLY),
            CDK_CONTEXT_JSON=json.dumps({"environments": environment}),
        )
        try:
            yield process
        finally:
            process.terminate()  # Nothing happens to one that has ended.
            process.wait()

    def _start(
        self, command: Sequence[str], stdout: TextIO | None = None, **variables: str
    ) -> subprocess.Popen[bytes]:
        # It keeps its umask: what it builds goes to AWS too, where another user reads it.
        return subprocess.Popen(  # noqa: S603 - what the project pins
            command,
            env={**_environment(), **variables},
            cwd=ROOT,
            stdout=stdout,
            pass_fds=[self.lock],
        )


@contextmanager
def only_cli() -> Iterator[Cli]:
    """Wait until no other CDK CLI runs, not even one whose parent was interrupted."""
    private_files.make_private(home.HOME)
    with (home.HOME / "cdk.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another CDK CLI, which is still deploying", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        _delete_old_assets()
        yield Cli(file.fileno())


def _delete_old_assets() -> None:
    """Delete what the last synth does not name: 40 MB of copies for each change of the proxy.

    The CDK itself deletes none of it.
    """
    named = "".join(path.read_text() for path in ASSEMBLY.glob("assembly-*/*.assets.json"))
    for path in (*ASSEMBLY.glob("asset.*"), *ASSEMBLY.glob("assembly-*/.cache/*.zip")):
        digest = max(path.name.split("."), key=len)
        if digest not in named:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def cdk_of(environment: "Environment", cdk: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """Hand out what runs the CDK CLI where the environment is: `cdk`, unless that is here."""
    if environment.name == "local":
        with only_cli() as cli:
            yield cli.cdk
    else:
        yield cdk


def _environment() -> dict[str, str]:
    """Return the environment in which a CLI talks to the embedded AWS, and to nothing else."""
    # The CDK's own validator takes 6 s of processor time; `make synth` and the tests run it.
    return {"CDK_VALIDATION": "false", **home.program_environment(), "PATH": search_path()}
