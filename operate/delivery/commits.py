"""The commits that CI goes by: what is deployed, and what a change is built on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from operate.cdk_cli import ROOT
from operate.environment import Environment, find_stack

_TRAINING = "Training"  # which an environment that tunes nothing has not
_IN_ORDER = ("Serving", "Api", _TRAINING)  # as they are deployed
_NEVER_CREATED = ("REVIEW_IN_PROGRESS", "ROLLBACK", "CREATE_FAILED", "DELETE")


def _tunes(name: str) -> bool:
    """Return whether an environment has the stack `Training`, as this checkout declares it."""
    from app import environment_of  # noqa: PLC0415 - it imports the CDK, which takes seconds

    return environment_of(name).tuning is not None


def deployed_commit(environment: Environment, tunes: Callable[[str], bool] = _tunes) -> None:
    """Print the commit that was deployed last, empty if there is none, and whether anything is.

    The last stack tells: what was cut off, or failed, has the commit before there.
    """
    commits = dict(_commits(environment))
    # A stack that is no longer declared stays, and keeps the commit that it had.
    if len(set(commits.values())) > 1 and _TRAINING in commits and not tunes(environment.name):
        del commits[_TRAINING]
    print(f"commit={list(commits.values())[-1] if commits else ''}")
    print(f"deployed={'true' if commits else ''}")


def _commits(environment: Environment) -> list[tuple[str, str]]:
    aws = environment.client("cloudformation")
    stacks = ((name, find_stack(aws, environment.stack_name(name))) for name in _IN_ORDER)
    return [
        (name, {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}.get("commit", ""))
        for name, stack in stacks
        if stack and not stack["StackStatus"].startswith(_NEVER_CREATED)
    ]


def warn_without(commit: str, environment: str) -> None:
    """Say what a deployment by hand loses whose stacks get no commit; this machine's needs none."""
    if not commit and environment != "local":
        print(
            f"warning: {environment} will have no commit, so CI cannot return to it:"
            " give COMMIT=$(git rev-parse HEAD)",
            file=sys.stderr,
        )


def no_return(declared: str, commit: str) -> None:
    """Print for a job's summary that a failed check is not undone, and how a person undoes it."""
    why = (
        f"has the commit `{commit}`, which cannot be checked out here"
        if commit
        else "has stacks that have no commit: they were deployed by hand, without `COMMIT=`"
    )
    by_hand = f"make deploy ENV={declared} UNGUARDED=1 COMMIT=$(git rev-parse HEAD)"
    print(
        "> [!WARNING]\n"
        f"> **If this deployment or a check of it fails, nothing returns by itself:** `{declared}`"
        f" {why}.\n"
        f"> To return by hand: check out what was deployed before, and run `{by_hand}`.\n"
        "> The next deployment can return to this one."
    )
    print(f"::warning title=No way back::{declared} {why}: see the summary", file=sys.stderr)


def base_commit(folder: Path = ROOT) -> None:
    """Print the commit that a pull request's merge was made on; raises SystemExit."""
    command = ("git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD^1")
    done = subprocess.run(  # noqa: S603 - git
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit("check the merge out with its parents: fetch-depth: 2")
    print(f"commit={done.stdout.strip()}")
