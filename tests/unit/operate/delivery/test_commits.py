"""The commit that is deployed and that a failed job returns to, and the one that a merge is of."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from operate.delivery.commits import base_commit, deployed_commit, no_return
from tests.unit.operate.doubles import environment, refusal

_OLD, _NEW = "0" * 40, "1" * 40


class _Aws:
    """The stacks of `prod`: each with its commit, `None` for one without."""

    def __init__(self, commits: Mapping[str, str | None], **statuses: str) -> None:
        self._commits, self._statuses = commits, statuses

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 - boto3's name
        _, _, name = StackName.partition("-")
        if name not in self._commits:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        commit = self._commits[name]
        tags = [{"Key": "commit", "Value": commit}] if commit else []
        tags.append({"Key": "owner", "Value": "me"})
        status = self._statuses.get(name, "UPDATE_COMPLETE")
        return {"Stacks": [{"StackName": StackName, "StackStatus": status, "Tags": tags}]}


def _said(aws: _Aws, capsys: pytest.CaptureFixture[str], *, tunes: bool = True) -> str:
    deployed_commit(environment(cloudformation=aws), lambda _name: tunes)
    return capsys.readouterr().out


def _all(**commits: str | None) -> dict[str, str | None]:
    return {"Serving": _OLD, "Api": _OLD, "Training": _OLD, **commits}


def test_the_commit_is_the_tag_of_all_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(_Aws(_all()), capsys) == f"commit={_OLD}\ndeployed=true\n"


def test_nothing_is_deployed_before_the_first_deployment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _said(_Aws({}), capsys) == "commit=\ndeployed=\n"


@pytest.mark.parametrize("cut_off", [{"Serving": _NEW}, {"Serving": _NEW, "Api": _NEW}])
def test_a_deployment_that_was_cut_off_has_the_commit_before(
    cut_off: dict[str, str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _said(_Aws(_all(**cut_off)), capsys) == f"commit={_OLD}\ndeployed=true\n"


def test_an_environment_that_tunes_nothing_has_the_commit_of_its_api(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = _Aws({"Serving": _NEW, "Api": _OLD})
    assert _said(aws, capsys, tunes=False) == f"commit={_OLD}\ndeployed=true\n"


def test_a_stack_that_is_no_longer_declared_has_no_say(capsys: pytest.CaptureFixture[str]) -> None:
    aws = _Aws(_all(Serving=_NEW, Api=_NEW))
    assert _said(aws, capsys, tunes=False) == f"commit={_NEW}\ndeployed=true\n"


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_stack_that_was_never_created_has_no_say(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = _Aws({"Serving": _OLD, "Api": _NEW}, Api=status)
    assert _said(aws, capsys) == f"commit={_OLD}\ndeployed=true\n"


def test_stacks_without_a_commit_are_deployed_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stacks = _all(Serving=None, Api=None, Training=None)
    assert _said(_Aws(stacks), capsys) == "commit=\ndeployed=true\n"


def test_the_declared_environment_says_whether_it_tunes(capsys: pytest.CaptureFixture[str]) -> None:
    aws = _Aws(_all(Serving=_NEW, Api=_NEW))
    deployed_commit(environment(cloudformation=aws))
    assert capsys.readouterr().out.startswith(f"commit={_OLD}\n")


@pytest.mark.parametrize(
    ("commit", "why"), [("", "have no commit"), (_OLD, f"`{_OLD}`, which cannot be checked out")]
)
def test_the_warning_says_why_and_how_to_return_by_hand(
    commit: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    no_return("prod", commit)
    out, err = capsys.readouterr()
    title, *quoted = out.splitlines()
    assert title == "> [!WARNING]"
    assert all(line.startswith("> ") for line in quoted)
    assert why in out
    assert "`make deploy ENV=prod UNGUARDED=1 COMMIT=$(git rev-parse HEAD)`" in out
    # It is shown on the run's page, and not in the summary alone.
    assert err.startswith("::warning title=No way back::")
    assert err.count("\n") == 1


def _git(folder: Path, *arguments: str) -> str:
    name = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_merge_is_compared_with_its_first_parent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _git(tmp_path, "init", "--quiet", "--initial-branch=main")
    _git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=base")
    base = _git(tmp_path, "rev-parse", "HEAD")
    with pytest.raises(SystemExit, match="check the merge out with its parents: fetch-depth: 2"):
        base_commit(tmp_path)
    _git(tmp_path, "checkout", "--quiet", "-b", "change")
    _git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=change")
    _git(tmp_path, "checkout", "--quiet", "main")
    _git(tmp_path, "merge", "--quiet", "--no-ff", "--message=merge", "change")
    base_commit(tmp_path)
    assert capsys.readouterr().out == f"commit={base}\n"
