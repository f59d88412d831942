"""A deployed stage of one test's own."""

from collections.abc import Iterator

import pytest

from tests.embedded.conftest import LocalStage, deployed_stage


@pytest.fixture(name="aws")
def _aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    with deployed_stage(tmp_path_factory.mktemp("aws")) as aws:
        yield aws
