"""One embedded AWS for the session, with the stage `local` deployed by `python -m local up`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local import credentials
from local.deployment import Deployment
from local.processes import free_port
from tests.local.sagemaker_account import Account

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class EmbeddedAws:
    """An embedded AWS of its own: a port, and a folder for its state."""

    port: int
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LOCAL_AWS_PORT": str(self.port),
            "LOCAL_AWS_HOME": str(self.home),
        }

    def run(self, *verb: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of `python -m local`; fails the test with its output when it fails."""
        ended = self.try_run("-m", "local", *verb)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended

    @property
    def pid(self) -> int:
        """The process that serves; 0 before one does."""
        file = self.home / "server.pid"
        return int(file.read_text() or 0) if file.exists() else 0

    def start(self) -> None:
        """Start the embedded AWS, and deploy nothing."""
        ended = self.try_run("-c", "from local import control; control.start()")
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def try_run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def deployment(self) -> Deployment:
        return Deployment(**json.loads(self.run("info").stdout))

    def client(
        self, service: str, endpoint_url: str | None = None, config: Config | None = None
    ) -> Any:
        key_id, secret = credentials.ensure(self.home)
        return boto3.client(
            service,
            endpoint_url=endpoint_url or f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=config,
        )


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    aws = EmbeddedAws(free_port(), tmp_path_factory.mktemp("aws"))
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account in which nothing is deployed."""
    account = Account(EmbeddedAws(free_port(), tmp_path_factory.mktemp("account")))
    try:
        account.open()
        yield account
    finally:
        account.aws.run("down")


@pytest.fixture
def own_account(tmp_path: Path) -> Iterator[Account]:
    """An account that a test may stop, in which nothing is deployed."""
    account = Account(EmbeddedAws(free_port(), tmp_path))
    try:
        account.open()
        yield account
    finally:
        account.aws.run("down")


@pytest.fixture(scope="session")
def deployed(embedded_aws: EmbeddedAws) -> Deployment:
    return embedded_aws.deployment()


@pytest.fixture(scope="session")
def proxy_function(embedded_aws: EmbeddedAws) -> dict[str, Any]:
    """The deployed proxy's function, as Lambda describes it."""
    functions = embedded_aws.client("lambda").list_functions()["Functions"]
    (found,) = (each for each in functions if each["Handler"] == "run.sh")
    return dict(found)
