"""The wheel alone, as somebody installs it who has never seen this repository."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.process import ROOT
from embedded_aws.tests.wheels import install

PROJECT = ROOT / "embedded_aws"


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel, and a folder that is no checkout."""

    folder: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "venv/bin" / program, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("wheel")
    install(PROJECT, folder)
    home = {"HOME": str(folder), "LOCAL_AWS_PORT": str(free_port())}
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    aws = Installed(folder, {**kept, **home})
    try:
        yield aws
    finally:
        aws.run("embedded-aws", "stop")


def test_the_wheel_brings_nothing_of_the_project_and_no_tests(installed: Installed) -> None:
    for module in ("operate", "sagemaker_llm", "invoke_proxy", "embedded_aws.tests"):
        found = installed.run("python", "-c", f"import {module}")
        assert f"No module named '{module}'" in found.stderr
    path = installed.run("python", "-c", "import sys; print(sys.path)").stdout
    assert f"'{ROOT}'" not in path


def test_what_the_readme_shows_works(installed: Installed) -> None:
    started = installed.run("embedded-aws", "start")
    assert started.stdout.splitlines()[0] == "started", started.stderr
    words = shlex.split(installed.run("embedded-aws", "env").stdout)
    for name, _, value in (word.partition("=") for word in words if "=" in word):
        installed.environment[name] = value
    (example,) = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    answered = installed.run("python", "-c", example)
    assert answered.returncode == 0, answered.stderr
    assert re.fullmatch(r"\[\{'generated_text': '.+'\}\]\n", answered.stdout)
    assert re.search(r"endpoint +e InService", installed.run("embedded-aws", "status").stdout)

    stopped = installed.run("embedded-aws", "stop")
    assert stopped.stdout == f"stopped; its data is kept in {installed.folder}/.embedded-aws\n"
