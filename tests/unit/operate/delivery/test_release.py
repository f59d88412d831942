"""A release of a small repository: what is written, built and tagged, and what is refused."""

import subprocess
from datetime import date
from pathlib import Path

import pytest

from operate.delivery import last_release
from operate.delivery.release import release

_TODAY = date(2026, 11, 27)
_PROJECT = '[build-system]\nrequires = ["hatchling==1.32.0"]\n\n[project]\nversion = "0.1.0"\n'
_CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A verb.
"""
_OLDER = "\n## [0.1.0] - 2026-01-01\n\n- The first.\n"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for kind in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{kind}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{kind}_EMAIL", "a@example.com")
    for folder in (".", "constructs", "embedded_aws"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "pyproject.toml").write_text(_PROJECT)
    (tmp_path / "CHANGELOG.md").write_text(_CHANGELOG)
    (tmp_path / "kept").touch()
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", "--all")
    _git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects whose wheels are built, which `make slow` builds for real."""
    built: list[str] = []
    run = subprocess.run

    def without_uv(command: list[str], **how: object) -> object:
        if not command[0].endswith("uv"):
            return run(command, **how)  # type: ignore[call-overload]  # as it was given
        built.append(command[-1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", without_uv)
    monkeypatch.setattr(last_release, "keep", _keep)
    return built


def _keep(version: str, root: Path) -> None:
    (root / "kept").write_text(version)


def test_a_dry_run_shows_the_section_and_changes_nothing(
    repository: Path, built: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    release("0.2.0", dry_run=True, root=repository, today=_TODAY)
    assert "## [0.2.0] - 2026-11-27\n### Added\n\n- A verb.\n" in capsys.readouterr().out
    assert _git(repository, "status", "--porcelain") == ""
    assert (_git(repository, "tag"), built) == ("", [])


def test_a_release_is_one_commit_and_one_tag_with_the_section(
    repository: Path, built: list[str]
) -> None:
    release("0.2.0", dry_run=False, root=repository, today=_TODAY)
    assert (repository / "CHANGELOG.md").read_text() == (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-27\n\n### Added\n\n- A verb.\n"
    )
    for folder in (".", "constructs", "embedded_aws"):
        assert 'version = "0.2.0"' in (repository / folder / "pyproject.toml").read_text()
    assert built == ["constructs", "embedded_aws"]
    assert (repository / "kept").read_text() == "0.2.0"
    assert _git(repository, "status", "--porcelain") == ""
    assert _git(repository, "log", "--format=%s", "-1") == "Release 0.2.0\n"
    assert "### Added\n\n- A verb." in _git(
        repository, "tag", "-l", "--format=%(contents)", "v0.2.0"
    )


def test_the_sections_before_stay(repository: Path, built: list[str]) -> None:
    (repository / "CHANGELOG.md").write_text(_CHANGELOG + _OLDER)
    _git(repository, "commit", "--quiet", "--all", "--message", "Note")
    release("0.2.0", dry_run=False, root=repository, today=_TODAY)
    assert (repository / "CHANGELOG.md").read_text().endswith(f"- A verb.\n{_OLDER}")
    assert built


@pytest.mark.parametrize(
    ("version", "refusal"),
    [
        ("", "VERSION must be three numbers, such as 1.2.0, got ''"),
        ("v1.0.0", "VERSION must be three numbers"),
        ("1.0", "VERSION must be three numbers"),
        ("0.2.0", "VERSION must come after 0.2.0, got 0.2.0"),
        ("0.1.9", "VERSION must come after 0.2.0, got 0.1.9"),
    ],
)
def test_a_version_that_does_not_come_next_is_refused(
    repository: Path, built: list[str], version: str, refusal: str
) -> None:
    release("0.2.0", dry_run=False, root=repository, today=_TODAY)
    built.clear()
    with pytest.raises(SystemExit, match=refusal):
        release(version, dry_run=False, root=repository, today=_TODAY)
    assert built == []


def test_what_is_not_committed_or_not_noted_is_refused(repository: Path, built: list[str]) -> None:
    (repository / "new.py").touch()
    with pytest.raises(SystemExit, match=r"not committed first:\n\?\? new\.py"):
        release("0.2.0", dry_run=True, root=repository, today=_TODAY)
    (repository / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    with pytest.raises(SystemExit, match=r"must say under ## \[Unreleased\] what changed"):
        release("0.2.0", dry_run=True, root=repository, today=_TODAY)
    assert built == []
