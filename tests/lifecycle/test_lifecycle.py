"""One stage from its first deploy to its destruction, through the real CDK CLI."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from embedded_aws.state.snapshots import parse
from embedded_aws.tests.account import until
from tests.embedded.conftest import ROOT, LocalStage
from tests.embedded.inventory import inventory
from tests.lifecycle.instance_type import change_the_instance_type
from tests.lifecycle.stage import cdk, destroy, endpoints, generates, stacks


def test_a_stage_survives_interruption_failures_another_type_and_a_restart_and_leaves_nothing(
    aws: LocalStage,
) -> None:
    _interrupt_a_deploy(aws)
    aws.run("up")
    deployment = aws.deployment()
    assert generates(deployment)
    assert len(endpoints(aws)) == 1

    again = aws.run("up")
    assert (again.stdout + again.stderr).count("(no changes)") == 3

    broken = cdk(
        aws, "deploy", "Local/*", "-c", "environments=local", "--require-approval", "never",
        "--app", "python tests/lifecycle/broken_app.py",
    )  # fmt: skip
    assert broken.returncode != 0
    assert "no-such/model" in broken.stdout + broken.stderr
    assert stacks(aws)["Local-Serving"] == "UPDATE_ROLLBACK_COMPLETE"
    assert generates(deployment)

    change_the_instance_type(aws, deployment)

    until(lambda: len(_model_servers(aws)) == 1)  # what was replaced ends a moment later
    (container,) = _model_servers(aws)
    aws.run("down")
    assert not container.exists()
    restarted = aws.run("up")
    assert (restarted.stdout + restarted.stderr).count("(no changes)") == 3
    assert aws.deployment() == deployment
    assert generates(deployment)

    destroy(aws, "Local/*")
    _assert_nothing_is_left(aws)


def _interrupt_a_deploy(aws: LocalStage) -> None:
    """Stop the embedded AWS, then the deploy, while the endpoint is being created."""
    with subprocess.Popen(
        [sys.executable, "-m", "operate", "up"],
        env=aws.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as deploying:
        (container,) = until(lambda: _model_servers(aws), seconds=240)
        os.kill(int(container.name), signal.SIGSTOP)  # so that its endpoint stays `Creating`
        assert deploying.poll() is None
        assert stacks(aws)["Local-Serving"] == "CREATE_IN_PROGRESS"
        os.kill(aws.pid, signal.SIGTERM)
        until(lambda: _is_saved(aws))  # before that, the endpoint could still come into service
        os.kill(int(container.name), signal.SIGCONT)
        aws.run("down")
        os.killpg(deploying.pid, signal.SIGINT)
        assert deploying.wait() != 0
    aws.start()
    assert stacks(aws)["Local-Serving"] == "ROLLBACK_FAILED"
    assert endpoints(aws) == []


def _is_saved(aws: LocalStage) -> bool:
    """Whether the embedded AWS has saved its state for the last time."""
    with suppress(FileNotFoundError):  # an old one was deleted meanwhile
        return any(parse(path.read_text()).clean for path in aws.home.glob("snapshots/*.snapshot"))
    return False


def _model_servers(aws: LocalStage) -> list[Path]:
    """The processes that serve models for this embedded AWS."""
    children = [path for path in Path("/proc").iterdir() if _parent(path) == aws.pid]
    return [path for path in children if b"embedded_aws.model_server" in _command(path)]


def _parent(process: Path) -> int | None:
    try:
        after_name = (process / "stat").read_text().rpartition(")")[2]
    except OSError:  # no process, or one that has ended meanwhile
        return None
    return int(after_name.split()[1])


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # likewise
        return b""


def _assert_nothing_is_left(aws: LocalStage) -> None:
    assert set(stacks(aws)) == {
        "Local-CDKToolkit",
        "Local-Bootstrap",
    }  # the account's, not the stage's
    left = inventory(aws)
    assert {kind: found for kind, found in left.items() if found} == {}
