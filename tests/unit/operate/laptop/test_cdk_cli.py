"""What `make up` does to the CDK CLI: how often it looks at a stack, and that only one runs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded_aws.host import home
from operate.cdk_cli import ROOT, search_path
from operate.laptop import cdk_cli

_POLL_OFTEN = ROOT / "operate/laptop/poll_often.cjs"
_CLI = ROOT / "node_modules/aws-cdk/lib/index.js"
_DELAYS = """
const timers = [5000, 4999, 60000].map((delay) => setTimeout(() => {}, delay));
console.log(timers.map((timer) => timer._idleTimeout).join(" "));
timers.forEach(clearTimeout);
require("node:util").promisify(setTimeout)(1, "promised").then(console.log);
"""
_HOLD = """
import sys
from operate.laptop.cdk_cli import only_cli
with only_cli():
    print("alone", flush=True)
    sys.stdin.read()
"""


def test_only_waits_as_long_as_those_for_a_stack_are_shortened() -> None:
    ran = subprocess.run(
        ["node", "--require", str(_POLL_OFTEN), "-e", _DELAYS],
        env={"PATH": search_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["200", "4999", "60000", "promised"]


def test_the_cdk_cli_waits_as_long_as_is_shortened() -> None:
    assert "async function waitFor(valueProvider, timeout = 5e3) {" in _CLI.read_text()


def test_a_second_cli_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_HOME", str(tmp_path))
    with _holder() as first:
        assert _says(first) == "alone\n"
        with _holder() as second:
            assert _says(second) == "waiting for another CDK CLI, which is still deploying\n"
            first.communicate()
            assert _says(second) == "alone\n"
            second.communicate()


def test_assets_that_the_last_synth_does_not_name_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "HOME", tmp_path)
    monkeypatch.setattr(cdk_cli, "ASSEMBLY", tmp_path)
    old, new = "0" * 64, "1" * 64
    stack = tmp_path / "assembly-Local"
    (stack / ".cache").mkdir(parents=True)
    for digest in (old, new):
        (tmp_path / f"asset.{digest}").mkdir()
        (tmp_path / f"asset.{digest}" / "index.py").touch()
        (tmp_path / f"asset.{digest}.json").touch()
        (stack / ".cache" / f"{digest}.zip").touch()
    (stack / "LocalApi.assets.json").write_text(f'{{"files": {{"{new}": {{}}}}}}')
    with cdk_cli.only_cli():
        pass
    left = {path.name for path in (*tmp_path.glob("asset.*"), *stack.glob(".cache/*"))}
    assert left == {f"asset.{new}", f"asset.{new}.json", f"{new}.zip"}


@contextmanager
def _holder() -> Iterator[subprocess.Popen[str]]:
    """Hand out a process that holds the lock, or waits for it, until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        try:
            yield holder
        finally:
            holder.kill()  # nothing happens to one that has ended


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()
