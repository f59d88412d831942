"""A stage of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from tests.embedded.conftest import LocalStage


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path)
    try:
        yield aws
    finally:
        aws.run("down")
