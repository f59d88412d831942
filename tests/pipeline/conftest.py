"""A stage that is deployed for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.processes import free_port
from tests.embedded.conftest import LocalStage


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path)
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")
