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
# Of the running commit, or of what the job has checked out.
_OWN = ("$/.github/", "./.github/")
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


def test_the_job_that_may_write_runs_nothing_that_the_pull_request_brings() -> None:
    jobs = _read(_FOLDER / "workflows" / "pull-request.yml")["jobs"]
    writing = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert writing == ["comment"]
    checkout, *rest = jobs["comment"]["steps"]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    # `$/` is the running commit's, which is the pull request's.
    assert [s["uses"] for s in rest if ".github" in s.get("uses", "")] == [
        "./.github/actions/set-up"
    ]


def test_a_report_that_is_older_than_the_pull_request_is_not_written() -> None:
    jobs = _read(_FOLDER / "workflows" / "pull-request.yml")["jobs"]
    assert jobs["comment"]["if"].startswith("!cancelled() && ")
    (kept,) = (s for s in jobs["compare"]["steps"] if "upload-artifact" in s.get("uses", ""))
    assert kept["if"] == "!cancelled()"


def test_a_change_is_compared_with_what_it_is_merged_into() -> None:
    own, *steps = _read(_FOLDER / "workflows" / "pull-request.yml")["jobs"]["compare"]["steps"]
    assert own["with"]["fetch-depth"] == 2  # the merge, and what it merges
    (base,) = (s for s in steps if s.get("with", {}).get("path") == "build/base")
    (found,) = (s for s in steps if "base-commit" in s.get("run", ""))
    assert base["with"]["ref"] == f"${{{{ steps.{found['id']}.outputs.commit }}}}"
    assert steps.index(found) < steps.index(base)


def test_merges_wait_for_one_another_and_none_is_dropped() -> None:
    assert _read(_FOLDER / "workflows" / "main.yml")["concurrency"]["queue"] == "max"


def test_whatever_looks_at_an_environment_waits_for_its_deployment_and_displaces_none() -> None:
    (deploy,) = _read(_FOLDER / "workflows" / "deploy.yml")["jobs"].values()
    (nightly,) = _read(_FOLDER / "workflows" / "nightly.yml")["jobs"].values()
    for job, name in (deploy, "inputs.environment"), (nightly, "matrix.environment"):
        assert job["concurrency"] == {
            "group": f"deploy-${{{{ {name} }}}}", "cancel-in-progress": False, "queue": "max"
        }  # fmt: skip


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


def test_a_failed_deployment_or_proof_returns_to_the_commit_before() -> None:
    (job,) = _read(_FOLDER / "workflows" / "deploy.yml")["jobs"].values()
    begun = [step.get("id") for step in job["steps"]].index("deploy")
    deployed, *after = job["steps"][begun:]
    *proofs, back = (step for step in after if "run" in step)
    assert deployed["env"]["DIGEST"] == "${{ inputs.digest }}"
    assert [step["run"].split()[1] for step in proofs] == ["smoke", "bench", "drift", "watch"]
    # One stack of a deployment that failed may be updated already.
    condition = "failure() && steps.deploy.outcome != 'skipped' && steps.former.outputs.digest"
    sign_in = after[after.index(back) - 1]
    assert "sign-in" in sign_in["uses"]
    assert sign_in["if"] == back["if"] == condition
    assert back["working-directory"] == "build/before"
    assert back["env"]["DIGEST"] == "${{ steps.former.outputs.digest }}"
    # An alarm that calls for the return would undo it.
    assert back["run"].endswith(" UNGUARDED=1")
    assert "UNGUARDED" not in deployed["run"]


def test_a_commit_that_is_gone_stops_no_deployment_and_the_summary_says_that_none_returns() -> None:
    (job,) = _read(_FOLDER / "workflows" / "deploy.yml")["jobs"].values()
    former = [s for s in job["steps"] if "build/before" in str(s)]
    checkout, set_up, synth, _back = former
    assert checkout["continue-on-error"]
    assert checkout["if"] == "steps.before.outputs.commit"
    assert set_up["if"] == synth["if"] == f"steps.{checkout['id']}.outcome == 'success'"
    (warning,) = (s for s in job["steps"] if "no-return" in s.get("run", ""))
    assert warning["if"] == "steps.before.outputs.deployed && !steps.former.outputs.digest"
    assert warning["run"].endswith('>> "$GITHUB_STEP_SUMMARY"')
    assert warning["env"] == {"COMMIT": "${{ steps.before.outputs.commit }}"}
    order = [job["steps"].index(each) for each in (synth, warning)]
    assert order == sorted(order)


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
