"""The workflows: clean under the linters, pinned, without a secret, calling verbs of make only."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
_FOLDER = ROOT / ".github"
_FILES = sorted([*_FOLDER.glob("workflows/*.yml"), *_FOLDER.glob("actions/*/action.yml")])
_WORKFLOWS = sorted(_FOLDER.glob("workflows/*.yml"))
_PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_OWN = "$/.github/"
# `make VERB NAME=...`, and where its output goes. Its failure is the step's: `echo "x=$(make ...)"`
# succeeds, and the steps after it run with an empty x.
_COMMAND = re.compile(
    r'(?:(?P<name>\w+)="\$\()?make (?:-s )?(?P<verb>[a-z-]+)(?: [A-Z]+="?[^\n|>)]*"?)*'
    r'(?(name)\)" && echo "(?P=name)=\$(?P=name)")'
    r'(?: \| tee [\w.]+)?(?: >> "\$GITHUB_(?:OUTPUT|STEP_SUMMARY)")?'
)


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _steps(file: Path) -> list[dict[str, Any]]:
    read = _read(file)
    jobs = [read["runs"]] if "runs" in read else read["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def _linted(*command: str) -> tuple[int, str]:
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_actionlint_finds_nothing() -> None:
    files = [str(file) for file in _WORKFLOWS]
    assert _linted("actionlint", "-shellcheck=", "-pyflakes=", *files) == (0, "")


def test_zizmor_finds_nothing_without_a_network() -> None:
    code, said = _linted("zizmor", "--offline", "--quiet", "--persona=pedantic", str(_FOLDER))
    assert code == 0, said


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    used = re.findall(r"uses: (.+)", file.read_text())
    assert used
    assert [each for each in used if not each.startswith(_OWN) and not _PINNED.match(each)] == []


def test_an_action_is_of_one_commit_everywhere() -> None:
    used = {each for file in _FILES for each in re.findall(r"uses: (\S+@\S+)", file.read_text())}
    names = [each.partition("@")[0] for each in used]
    assert sorted(names) == sorted(set(names))


def _verbs() -> set[str]:
    return set(
        re.findall(r"^([a-z-]+)[a-z -]*:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_every_step_calls_a_verb_of_make(file: Path) -> None:
    for command in (step["run"] for step in _steps(file) if "run" in step):
        called = _COMMAND.fullmatch(command.strip())
        assert called, command
        assert called["verb"] in _verbs(), command


@pytest.mark.parametrize("file", _WORKFLOWS, ids=lambda file: file.stem)
def test_a_job_has_the_rights_that_it_names_and_no_secret(file: Path) -> None:
    workflow = _read(file)
    assert workflow["permissions"] == {}
    assert "secrets" not in file.read_text()
    for job in workflow["jobs"].values():
        allowed = {
            "contents": "read", "id-token": "write", "pages": "write", "pull-requests": "write"
        }  # fmt: skip
        assert job["permissions"].items() <= allowed.items()
        assert ("timeout-minutes" in job) != ("uses" in job)


def test_what_a_pull_request_brings_runs_without_aws_and_without_a_right_to_write() -> None:
    jobs = _read(_FOLDER / "workflows" / "pull-request.yml")["jobs"]
    writing = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert writing == ["comment"]
    checkout, *_ = jobs["comment"]["steps"]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_environments_follow_one_another_with_one_assembly() -> None:
    jobs = _read(_FOLDER / "workflows" / "main.yml")["jobs"]
    order = {name: job["with"]["environment"] for name, job in jobs.items() if "with" in job}
    assert order == {"dev": "dev", "staging": "staging", "prod": "prod"}
    assert (jobs["staging"]["needs"], jobs["prod"]["needs"]) == (
        ["assemble", "dev"],
        ["assemble", "staging"],
    )
    digests = {job["with"]["digest"] for job in jobs.values() if "with" in job}
    assert digests == {"${{ needs.assemble.outputs.digest }}"}
    made = [
        s for job in jobs.values() for s in job.get("steps", []) if "assembly" in str(s.get("run"))
    ]
    assert len(made) == 1


def test_a_failed_proof_returns_to_the_commit_before() -> None:
    (job,) = _read(_FOLDER / "workflows" / "deploy.yml")["jobs"].values()
    runs = [step for step in job["steps"] if "run" in step]
    deployed, *proofs, back = runs[[step.get("id") for step in runs].index("deploy") :]
    assert deployed["env"]["DIGEST"] == "${{ inputs.digest }}"
    assert [step["run"].split()[1] for step in proofs] == ["smoke", "bench", "drift", "watch"]
    assert back["if"].startswith("failure() && steps.deploy.outcome == 'success'")
    assert back["working-directory"] == "build/before"
    assert back["env"]["DIGEST"] == "${{ steps.former.outputs.digest }}"
    # An alarm that calls for the return would undo it.
    assert back["run"].endswith(" UNGUARDED=1")
    assert "UNGUARDED" not in deployed["run"]


def test_what_must_move_together_is_one_pull_request() -> None:
    updates = _read(_FOLDER / "dependabot.yml")["updates"]
    together = {
        pattern
        for update in updates
        if update.get("multi-ecosystem-group") == "cdk"
        for pattern in update["patterns"]
    }
    assert {"aws-cdk-lib", "aws-cdk"} <= together
    (sdk,) = (
        update["groups"]["aws-sdk"]["patterns"]
        for update in updates
        if "aws-sdk" in update.get("groups", {})
    )
    assert set(sdk) == {"boto3", "botocore", "ministack"}
