"""However a verb ends, its folder goes, and so do the programs that write there."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from operate.cdk_cli import ROOT
from operate.delivery import assembly

_SECONDS = 120
# What the CLI does: it starts the app, which writes into the folder, and waits for it.
_CLI = """#!/bin/sh
while [ "$1" != --output ]; do shift; done
sh -c "while sleep 0.01; do mkdir -p $2/more; done" &
while [ ! -d "$2/more" ]; do sleep 0.01; done
echo "$!" >&2
wait
"""
# The verb is given another CLI, and another folder to build in.
_VERB = """
import runpy
import signal
import subprocess
import sys
from pathlib import Path

from operate import cdk_cli
from operate.delivery import assembly

signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell ignores it for `make test &`.
assembly.ROOT = Path(sys.argv.pop())
cdk_cli._CDK = assembly.ROOT / "cdk"
wait = subprocess.Popen.wait


def tell_and_wait(process):
    print("waits for the CLI", file=sys.stderr, flush=True)
    return wait(process)


subprocess.Popen.wait = tell_and_wait
sys.argv[1:] = ["assembly", "--file", str(assembly.ROOT / "assembly.tar.gz")]
runpy.run_module("operate", run_name="__main__", alter_sys=True)
"""


@contextmanager
def _verb(checkout: Path) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """Hand out a verb in the midst of its synth, and the app."""
    cli = checkout / "cdk"
    cli.write_text(_CLI)
    cli.chmod(0o755)
    verb = subprocess.Popen(
        [sys.executable, "-c", _VERB, str(checkout)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with verb:
        try:
            assert verb.stderr
            # The app's number, and that the verb has begun to wait: before, it would end no CLI.
            app, _ = sorted(verb.stderr.readline() for _ in range(2))
            yield verb, psutil.Process(int(app))
        finally:
            _kill(session=verb.pid)


def _kill(session: int) -> None:
    for process in psutil.process_iter():
        with suppress(OSError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == session:
                process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_verb_that_is_told_to_end_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with _verb(tmp_path) as (verb, app):
        verb.send_signal(number)
        assert verb.wait(_SECONDS) == 128 + signal.SIGINT
        app.wait(_SECONDS)
    assert not list((tmp_path / "build").glob("assembly-*"))


def test_what_a_killed_verb_left_goes_with_the_next_once_nobody_writes_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "ROOT", tmp_path)
    with _verb(tmp_path) as (verb, app):
        verb.kill()
        verb.wait()
        (left,) = (tmp_path / "build").glob("assembly-*")
        with assembly.scratch() as other:
            assert left.is_dir()
            assert other.is_dir()
        os.killpg(os.getpgid(app.pid), signal.SIGKILL)
        app.wait(_SECONDS)
        with assembly.scratch() as own, assembly.scratch() as other:
            assert {*(tmp_path / "build").glob("assembly-*")} == {own, other}
