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


# Settings of the caller's, for an AWS and a network that no verb of the stage `local` may meet.
_OF_THE_CALLER = {
    "AWS_PROFILE": "nobody",
    "AWS_CONFIG_FILE": __file__,  # no configuration file
    "AWS_SHARED_CREDENTIALS_FILE": __file__,
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_SESSION_TOKEN": "none",
    "AWS_REGION": "eu-north-1",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_RETRY_MODE": "none",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    **{
        f"AWS_ENDPOINT_URL{service}": "http://127.0.0.1:1"
        for service in ("", "_S3", "_STS", "_CLOUDFORMATION", "_SAGEMAKER", "_API_GATEWAY", "_SSM")
    },
    **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"), "http://127.0.0.1:1"),
    "ALL_PROXY": "socks5://127.0.0.1:1",
}


class LocalStage(EmbeddedAws):
    """An embedded AWS of its own, with the verbs that deploy the stage `local` into it.

    They run in a shell that is set up for another AWS.
    """

    program: ClassVar = "operate"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **_OF_THE_CALLER}

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
