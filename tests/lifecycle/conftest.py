"""Stages of the tests' own: empty ones, and copies of one that was deployed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import until
from tests.embedded.conftest import LocalStage, deployed

__all__ = ["deployed"]

_OF_A_RUN = ("live", "tmp", "server.*")
_SERVES_SECONDS = 300


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalStage]:
    """A stage in which nothing is deployed yet."""
    aws = LocalStage(free_port(), tmp_path)
    try:
        yield aws
    finally:
        aws.run("down")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stage that was deployed, then stopped: a deployment takes far longer."""
    aws = LocalStage(free_port(), tmp_path_factory.mktemp("original"))
    try:
        aws.run("up")
    finally:
        aws.run("down")
    return aws.home


@pytest.fixture
def stage(original: Path, tmp_path: Path) -> Iterator[LocalStage]:
    """A deployed stage that a test may change."""
    yield from _copied(original, tmp_path / "aws")


@pytest.fixture(scope="session")
def embedded_aws(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    """A deployed stage that the others share."""
    yield from _copied(original, tmp_path_factory.mktemp("shared") / "aws")


def _copied(original: Path, home: Path) -> Iterator[LocalStage]:
    shutil.copytree(original, home, ignore=shutil.ignore_patterns(*_OF_A_RUN))
    aws = LocalStage(free_port(), home)
    try:
        aws.start()
        until(lambda: _serves(aws), _SERVES_SECONDS)
        yield aws
    finally:
        aws.run("down")


def _serves(aws: LocalStage) -> bool:
    (endpoint,) = aws.client("sagemaker").list_endpoints()["Endpoints"]
    return bool(endpoint["EndpointStatus"] == "InService")
