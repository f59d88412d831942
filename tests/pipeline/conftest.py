"""A deployed stage of one test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.conftest import LocalStage, deployed_stage


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Iterator[LocalStage]:
    with deployed_stage(tmp_path) as aws:
        yield aws
