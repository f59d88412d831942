"""The hooks of .pre-commit-config.yaml, run by pre-commit over a small repository."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = "tests/infrastructure/golden/local.json"
_KEPT = (".pre-commit-config.yaml", "pyproject.toml", "tests/infrastructure/hold_goldens.sh")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs a command in a repository with the hooks' files and this environment."""
    for name in _KEPT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".gitignore").write_text(".venv\n.*_cache\n")
    home = str(tmp_path / ".hooks_cache")
    given = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}

    def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={**given, "PRE_COMMIT_HOME": home, "PIP_NO_INDEX": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    run("git", "init", "--quiet")
    return run


def check(run: Run, **environment: str) -> subprocess.CompletedProcess[str]:
    run("git", "add", "--all")
    pre_commit = str(Path(sys.executable).parent / "pre-commit")
    return run(pre_commit, "run", "--all-files", "--color=never", **environment)


def verdicts(output: str) -> dict[str, str]:
    lines = [line for line in output.splitlines() if line.endswith(("Passed", "Failed"))]
    return {line.partition(".")[0]: line.rpartition(".")[2] for line in lines}


def test_hooks_pass_files_that_are_as_they_should_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text('"""A module."""\n\nVALUE: int = 1\n')
    checked = check(run)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert verdicts(checked.stdout) == {
        "ruff format": "Passed",
        "ruff check": "Passed",
        "mypy on changed files": "Passed",
        "goldens change on purpose only": "Passed",
    }


def test_each_hook_refuses_what_it_is_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text('import os\n\nVALUE: int = "x"')
    (tmp_path / GOLDEN).parent.mkdir()
    (tmp_path / GOLDEN).write_text("{}\n")
    checked = check(run)
    assert set(verdicts(checked.stdout).values()) == {"Failed"}
    assert len(verdicts(checked.stdout)) == 4
    assert f"GOLDEN=1 to accept changed templates, got: {GOLDEN}" in checked.stdout


def test_a_changed_golden_is_accepted_when_it_is_meant(run: Run, tmp_path: Path) -> None:
    (tmp_path / GOLDEN).parent.mkdir()
    (tmp_path / GOLDEN).write_text("{}\n")
    assert check(run, GOLDEN="1").returncode == 0
