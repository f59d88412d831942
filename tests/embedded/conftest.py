"""One embedded AWS for the session, with the stage `local` deployed by `python -m operate up`."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.conftest import account, own_account
from embedded_aws.tests.process import ROOT, EmbeddedAws
from operate.api.deployment import Deployment

__all__ = ["ROOT", "LocalStage", "account", "own_account"]


class LocalStage(EmbeddedAws):
    """An embedded AWS of its own, with the verbs that deploy the stage `local` into it."""

    program: ClassVar = "operate"

    def deployment(self) -> Deployment:
        return Deployment(**json.loads(self.run("info").stdout))


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path_factory.mktemp("aws"))
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")


@pytest.fixture(scope="session")
def deployed(embedded_aws: LocalStage) -> Deployment:
    return embedded_aws.deployment()


@pytest.fixture(scope="session")
def proxy_function(embedded_aws: LocalStage) -> dict[str, Any]:
    """The deployed proxy's function, as Lambda describes it."""
    functions = embedded_aws.client("lambda").list_functions()["Functions"]
    (found,) = (each for each in functions if each["Handler"] == "run.sh")
    return dict(found)
