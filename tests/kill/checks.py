"""What must hold after a kill and a repair: nothing runs on, nothing is half-made."""

import psutil

from embedded_aws.host import guardian
from embedded_aws.tests.account import until
from tests.embedded.conftest import LocalStage
from tests.embedded.inventory import inventory


def programs(aws: LocalStage) -> list[str]:
    """The command lines of what the embedded AWS runs, its server among them."""
    owner = f"{aws.home.resolve()}#"
    found = []
    for process in psutil.process_iter():
        if guardian.owner(process).startswith(owner):
            try:
                found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
    return found


def nothing_runs(aws: LocalStage) -> None:
    """Assert that all that a killed server ran has ended."""
    until(lambda: programs(aws) == [])


def is_whole(aws: LocalStage, expected: dict[str, int]) -> None:
    """Assert that the repaired stage has just what a clean deploy makes, and that nothing hangs."""
    found = counts(aws)
    assert found == expected, {k: (n, expected[k]) for k, n in found.items() if n != expected[k]}
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert {stack["StackStatus"] for stack in stacks} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    sagemaker = aws.client("sagemaker")
    (endpoint,) = sagemaker.list_endpoints()["Endpoints"]
    assert endpoint["EndpointStatus"] == "InService"
    for status in ("InProgress", "Stopping"):
        assert not sagemaker.list_training_jobs(StatusEquals=status)["TrainingJobSummaries"]
        assert not sagemaker.list_processing_jobs(StatusEquals=status)["ProcessingJobSummaries"]
    until(lambda: _model_servers(aws) == (1, 1))  # what was replaced ends a moment later
    assert not list((aws.home / "tmp").glob("*/ml"))
    snapshots = list((aws.home / "snapshots").glob("*.snapshot"))
    assert len(snapshots) <= 2, snapshots


def _model_servers(aws: LocalStage) -> tuple[int, int]:
    """How many of them run, and how many have a folder for weights."""
    running = [line for line in programs(aws) if "embedded_aws.model_server" in line]
    return len(running), len(list((aws.home / "tmp").glob("*/model")))


def counts(aws: LocalStage) -> dict[str, int]:
    """How many of each kind of resource there are."""
    return {kind: len(found) for kind, found in inventory(aws).items()}
