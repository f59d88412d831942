"""A stage of its own for each test that changes its life, and one that the others share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from tests.embedded.conftest import LocalStage, deployed, embedded_aws

__all__ = ["aws", "deployed", "embedded_aws"]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path)
    try:
        yield aws
    finally:
        aws.run("down")
