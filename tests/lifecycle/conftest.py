"""Stages of the tests' own: empty ones, and copies of one that was deployed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from tests.embedded.conftest import DEPLOYED, LocalStage, copied_stage, deploy_once, deployed

__all__ = ["deployed"]


@pytest.fixture
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    """A stage in which nothing is deployed yet."""
    aws = LocalStage(free_port(), tmp_path_factory.mktemp("aws"))
    try:
        yield aws
    finally:
        aws.run("down")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stage that was deployed, then stopped: a deployment takes far longer."""
    home = Path(os.environ.get(DEPLOYED) or tmp_path_factory.mktemp("original") / "aws")
    deploy_once(home)
    return home


@pytest.fixture
def stage(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    """A deployed stage that a test may change."""
    with copied_stage(original, tmp_path_factory.mktemp("own") / "aws") as aws:
        yield aws


@pytest.fixture(scope="session")
def embedded_aws(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    """A deployed stage that the others share."""
    with copied_stage(original, tmp_path_factory.mktemp("shared") / "aws") as aws:
        yield aws
