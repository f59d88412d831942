"""One embedded AWS for the session, with the stage `local` deployed by `python -m operate up`."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import until
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


_JOB_PYTHON = str(ROOT / ".venv-jobs" / "bin" / "python")
# A folder in which one stage is deployed for all suites of `.ci/run`.
DEPLOYED = "DEPLOYED_STAGE"
_OF_A_RUN = ("live", "tmp", "server.*")
_SERVES_SECONDS = 300


class LocalStage(EmbeddedAws):
    """An embedded AWS of its own, with the verbs that deploy the stage `local` into it.

    They run in a shell that is set up for another AWS.
    """

    program: ClassVar = "operate"

    @property
    def environment(self) -> dict[str, str]:
        # The CDK's own validator takes seconds of each synth; `make infrastructure` runs it.
        ours = {"CDK_VALIDATION": "false", "LOCAL_AWS_JOB_PYTHON": _JOB_PYTHON}
        return {**ours, **super().environment, **_OF_THE_CALLER}

    def deployment(self) -> Deployment:
        return Deployment(**json.loads(self.run("info").stdout))


@contextmanager
def deployed_stage(home: Path) -> Iterator[LocalStage]:
    """Run a deployed stage: a copy where one is kept, as a deployment takes far longer."""
    if kept := os.environ.get(DEPLOYED):
        deploy_once(Path(kept))
        with copied_stage(Path(kept), home) as aws:
            yield aws
        return
    aws = LocalStage(free_port(), home)
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")


def deploy_once(home: Path) -> None:
    """Deploy a stage into a folder unless that is done, and stop it."""
    home.mkdir(parents=True, exist_ok=True)
    done = home.with_name(f"{home.name}.deployed")
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        aws = LocalStage(free_port(), home)
        try:
            aws.run("up")
        finally:
            aws.run("down")
        done.touch()


@contextmanager
def copied_stage(original: Path, home: Path) -> Iterator[LocalStage]:
    """Run a copy of a stage that was deployed and stopped."""
    ignored = shutil.ignore_patterns(*_OF_A_RUN)
    shutil.copytree(original, home, ignore=ignored, dirs_exist_ok=True)
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


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStage]:
    with deployed_stage(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture(scope="session")
def deployed(embedded_aws: LocalStage) -> Deployment:
    return embedded_aws.deployment()


@pytest.fixture(scope="session")
def proxy_function(embedded_aws: LocalStage) -> dict[str, Any]:
    """The deployed proxy's function, as Lambda describes it."""
    functions = embedded_aws.client("lambda").list_functions()["Functions"]
    (found,) = (each for each in functions if each["Handler"] == "run.sh")
    return dict(found)
