"""A release: version, changelog, wheels, what the next upgrade is tested from, and tag.

It publishes nothing: whoever pushes does.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from operate.cdk_cli import ROOT
from operate.delivery import last_release

_PROJECTS = ("pyproject.toml", "constructs/pyproject.toml", "embedded_aws/pyproject.toml")
_WHEELS = ("constructs", "embedded_aws")
_CHANGELOG = "CHANGELOG.md"
_UNRELEASED = "## [Unreleased]"
_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_LINE = re.compile(r'^version = "(.*)"$', re.MULTILINE)


def release(version: str, *, dry_run: bool, root: Path = ROOT, today: date | None = None) -> None:
    """Write, build, commit and tag a version, or print what would be; raises SystemExit."""
    made = _Release(root, version, today or datetime.now(UTC).date())
    made.check()
    if dry_run:
        print(f"v{version} would be tagged, with {', '.join(_WHEELS)} as wheels, and this section:")
        print(f"\n{made.heading}\n{made.notes}")
        return
    made.write()
    made.build()
    last_release.keep(version, root)
    made.commit()
    print(f"v{version} is tagged; to publish it: git push origin HEAD v{version}")


class _Release:
    """One version of the repository at a folder."""

    def __init__(self, root: Path, version: str, today: date) -> None:
        self._root, self._version = root, version
        self.heading = f"## [{version}] - {today.isoformat()}"
        changelog = (root / _CHANGELOG).read_text()
        self._before, _, rest = changelog.partition(f"{_UNRELEASED}\n")
        released = re.search(r"^## \[", rest, re.MULTILINE)
        self._older = rest[released.start() :] if released else ""
        self.notes = rest[: released.start() if released else None].strip()

    def check(self) -> None:
        """Raise SystemExit for a version that cannot be released from here."""
        current = _LINE.search((self._root / _PROJECTS[0]).read_text())
        if not _VERSION.fullmatch(self._version):
            raise SystemExit(f"VERSION must be three numbers, such as 1.2.0, got {self._version!r}")
        if current and _numbers(self._version) <= _numbers(current[1]) and self._tags():
            raise SystemExit(f"VERSION must come after {current[1]}, got {self._version}")
        if f"v{self._version}" in self._tags():
            raise SystemExit(f"v{self._version} is tagged already")
        if not self.notes:
            raise SystemExit(f"{_CHANGELOG} must say under {_UNRELEASED} what changed")
        if changed := self._git("status", "--porcelain"):
            raise SystemExit(f"commit or remove what is not committed first:\n{changed}")

    def write(self) -> None:
        """Write the version and the changelog's section."""
        for name in _PROJECTS:
            file = self._root / name
            file.write_text(_LINE.sub(f'version = "{self._version}"', file.read_text(), count=1))
        sections = [f"{_UNRELEASED}\n", f"{self.heading}\n", f"{self.notes}\n", self._older]
        text = self._before + "\n".join(section for section in sections if section)
        (self._root / _CHANGELOG).write_text(text)

    def build(self) -> None:
        """Build the wheels into `build/wheels`."""
        uv = str(Path(sys.executable).parent / "uv")
        for project in _WHEELS:
            self._run((uv, "build", "--quiet", "--wheel", "--out-dir", "build/wheels", project))

    def commit(self) -> None:
        """Commit what was written, and tag it with the section as its message."""
        self._git("commit", "--quiet", "--all", "--message", f"Release {self._version}")
        message = f"{self._version}\n\n{self.notes}"
        # Its lines that begin with # are headings, not comments.
        self._git("tag", "--cleanup=verbatim", "--message", message, f"v{self._version}")

    def _tags(self) -> list[str]:
        return self._git("tag", "--list", "v*").split()

    def _git(self, *arguments: str) -> str:
        return self._run(("git", *arguments))

    def _run(self, command: Sequence[str]) -> str:
        done = subprocess.run(  # noqa: S603 - git, and what the project pins
            command, cwd=self._root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()}")
        return done.stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
