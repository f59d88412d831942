"""What `make` says when something that it needs is not there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infrastructure.assembly import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the installation reads, and nothing installed."""
    for name in ("Makefile", "requirements.txt", "requirements.lock", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "-s", "-C", str(checkout), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "verb", ["down", "status", "logs", "chat", "info", "key", "drift", "preflight"]
)
def test_a_verb_asks_for_the_set_up_when_nothing_is_installed(checkout: Path, verb: str) -> None:
    ended = _make(checkout, verb)
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert "run `make setup` (or `make up`) first" in ended.stderr.splitlines()[0]


def test_set_up_names_the_python_that_is_missing(checkout: Path) -> None:
    ended = _make(checkout, "setup", "PYTHON=no-such-python")
    assert "Python 3.11 or newer is needed, there is no no-such-python" in ended.stderr


def test_set_up_names_the_python_that_is_too_old(checkout: Path) -> None:
    _program(checkout / "old", '[ "$1" = --version ] && echo Python 3.9.1 || exit 1')
    ended = _make(checkout, "setup", "PYTHON=./old")
    assert "Python 3.11 or newer is needed, Python 3.9.1 was found" in ended.stderr


def test_set_up_says_what_must_be_reachable_for_the_python_packages(checkout: Path) -> None:
    _program(checkout / ".venv/bin/uv", "exit 2")
    ended = _make(checkout, "setup")
    assert "the package index PyPI must be reachable: run the same command" in ended.stderr
    assert not (checkout / ".venv/installed").exists()


def test_set_up_says_what_must_be_reachable_for_the_cdk_cli(checkout: Path) -> None:
    _program(checkout / ".venv/bin/uv", "exit 0")
    _program(checkout / ".venv/bin/npm", "exit 1")
    ended = _make(checkout, "setup")
    assert "npm's registry must be reachable: run the same command" in ended.stderr
    assert not (checkout / "node_modules/installed").exists()


@pytest.mark.parametrize("verb", ["smoke", "browser"])
def test_a_key_from_the_environment_is_an_argument_of_no_process(
    checkout: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".venv/installed", "node_modules/installed"):
        _program(checkout / name, "")
    _program(checkout / ".venv/bin/python", 'echo "$@"; echo "$GIVEN_KEY" >&2')
    monkeypatch.setenv("KEY", "$(secret)")
    ended = _make(checkout, verb, "URL=https://x")
    assert "secret" not in ended.stdout
    assert ended.stderr == "$(secret)\n"
    ended = _make(checkout, verb, "URL=https://x", "KEY=typed")
    assert "typed" not in ended.stdout
    told = f"KEY can be read in `ps`: give it before the command, KEY=... make {verb}"
    assert ended.stderr.splitlines() == [told, "typed"]


def test_the_suites_of_a_submission_are_verbs() -> None:
    script, makefile = (ROOT / ".ci/run").read_text(), (ROOT / "Makefile").read_text()
    lines = re.findall(
        r'^  "(.+)"$', script.partition("suites=(")[2].partition("\n)")[0], re.MULTILINE
    )
    verbs = [word for line in lines for word in line.split() if "=" not in word]
    assert verbs
    assert [
        verb for verb in verbs if not re.search(rf"^{verb}:.*## ", makefile, re.MULTILINE)
    ] == []


def test_clean_leaves_the_sources_only(checkout: Path) -> None:
    sources = {path.name for path in checkout.iterdir()}
    for made in (".hypothesis", "operate/__pycache__", "build", ".venv-jobs"):
        (checkout / made).mkdir(parents=True)
    _make(checkout, "clean")
    assert {path.name for path in checkout.iterdir()} == {*sources, "operate"}
    assert list((checkout / "operate").iterdir()) == []
