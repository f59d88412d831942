"""The repository that is rehearsed with: this checkout as it is, and one commit a change."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rehearsal.cast.github import OWNER_ID, REPOSITORY, REPOSITORY_ID

ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
REGION = "us-east-1"
_ROOT = Path(__file__).parents[2]
_APP = "rehearsal/small_app.py"
_INSTALLED = (".venv", "node_modules")


@dataclass(frozen=True)
class Repository:
    """A clone whose environments are placed in accounts of their own."""

    folder: Path

    def copy(self) -> None:
        """Copy this checkout's files, changes that are no commit included."""
        listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, _git(_ROOT, *listed).split("\0")):
            if (_ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(_ROOT / name, self.folder / name)
        _configure(self.folder)
        _git(self.folder, "init", "--quiet", "--initial-branch=main")
        link(self.folder)

    def commit(self, title: str, before: str = "", after: str = "") -> str:
        """Commit an edit of the app as it is here, and return the commit's hash.

        So a commit also takes back the edit of the one before, which was a bad one.
        """
        text = (_ROOT / _APP).read_text()
        (self.folder / _APP).write_text(text.replace(before, after) if before else text)
        _git(self.folder, "add", "--all")
        _git(self.folder, "commit", "--quiet", "--allow-empty", f"--message={title}")
        return _git(self.folder, "rev-parse", "HEAD").strip()

    def checked_out(self, commit: str) -> "Repository":
        """Return another checkout, of a commit, as each job of CI has one."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.parent)) / "checkout"
        _git(self.folder, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        link(folder)
        return Repository(folder)


def link(folder: Path) -> None:
    """Let a checkout use what is installed and built here: it would install and build the same."""
    for name in _INSTALLED:
        (folder / name).symlink_to(_ROOT / name)
    (folder / "build").mkdir(exist_ok=True)
    for built in (path.parent for path in (_ROOT / "lambda").glob("*/__init__.py")):
        (folder / "build" / built.name).symlink_to(_ROOT / "build" / built.name)


def _configure(folder: Path) -> None:
    """Do what a team does that forks the repository, and make the environments small."""
    environments = "".join(
        f'[environments.{name}]\naccount = "{account}"\nregion = "{REGION}"\n'
        for name, account in ACCOUNTS.items()
    )
    (folder / "accounts.toml").write_text(
        '[tags]\nowner = "platform-team"\n\n'
        f'[github]\nrepository = "{REPOSITORY}"\nowner_id = {OWNER_ID}\n'
        f"repository_id = {REPOSITORY_ID}\n\n{environments}"
    )
    file = folder / "cdk.json"
    settings = json.loads(file.read_text())
    settings |= {
        "app": "python -m rehearsal.small_app",
        "build": "python lambda/build_functions.py local",
    }
    file.write_text(json.dumps(settings, indent=2))
    # A worktree's links are not ignored as the folders are.
    (folder / ".gitignore").write_text(
        "".join(f"{n}\n" for n in (*_INSTALLED, "build")) + "*.pyc\n"
    )


def _git(folder: Path, *arguments: str) -> str:
    known = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", "rehearsal"), ("EMAIL", "rehearsal@localhost"))
    }
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(  # noqa: S603 - git
        command,
        env={**os.environ, **known, **names},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"`git {arguments[0]}` failed in {folder}: {done.stderr.strip()}")
    return done.stdout
