"""The AWS of a rehearsal: an embedded one with an account for each environment."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from embedded_aws.host import credentials
from embedded_aws.host.processes import free_port
from rehearsal.cast.github import Variables, variables
from rehearsal.cast.repository import ACCOUNTS, REGION

_ROOT = Path(__file__).parents[2]
_POLL_OFTEN = _ROOT / "operate" / "laptop" / "poll_often.cjs"


@dataclass(frozen=True)
class Aws:
    """A running embedded AWS."""

    home: Path
    port: int
    circumstances: Mapping[str, object]

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> Variables:
        """What points a shell's clients at it, and at no other; without credentials."""
        local = "127.0.0.1,localhost"
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": local,
            "no_proxy": local,
            "NODE_OPTIONS": f'--require="{_POLL_OFTEN}"',
            # The CDK CLI remembers which account a key belongs to.
            "CDK_HOME": str(self.home / "cdk"),
            "CDK_NOTICES": "false",
            # It takes 6 s of processor time, and `make test` runs it.
            "CDK_VALIDATION": "false",
        }

    @contextmanager
    def accelerated(self, time_scale: int) -> Iterator[None]:
        """Let AWS's waits, and the periods of its alarms, pass so many times faster for a while."""
        self.set(time_scale=time_scale)
        try:
            yield
        finally:
            self.set()

    def set(self, **more: object) -> None:
        """Write the circumstances, with more of them."""
        file = self.home / "circumstances.json"
        written = file.with_suffix(".new")
        written.write_text(json.dumps({**self.circumstances, **more}))
        written.replace(file)

    def administrator(self, environment: str) -> Variables:
        """Return the variables of an environment's account, for whoever sets it up."""
        secret = credentials.ensure(self.home).secret_access_key
        key = {"AccessKeyId": ACCOUNTS[environment], "SecretAccessKey": secret}
        return variables(key, REGION)

    def client(self, service: str, environment: str) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return a client of an environment's account that may do anything."""
        return self.client_with(service, self.administrator(environment))

    def client_with(self, service: str, session: Mapping[str, str]) -> Any:  # noqa: ANN401 - likewise
        """Return a client with the credentials of a session."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=session["AWS_REGION"],
            aws_access_key_id=session["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=session["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=session.get("AWS_SESSION_TOKEN"),
            config=Config(proxies={}),
        )


@contextmanager
def started(home: Path, **circumstances: object) -> Iterator[Aws]:
    """Run an embedded AWS for a while; raises SystemExit if it does not start."""
    aws = Aws(home, free_port(), {"accounts": [*ACCOUNTS.values()], **circumstances})
    aws.set()
    _run(aws, "start")
    try:
        yield aws
    finally:
        _run(aws, "stop")


def _run(aws: Aws, verb: str) -> None:
    environment = {"LOCAL_AWS_HOME": str(aws.home), "LOCAL_AWS_PORT": str(aws.port)}
    done = subprocess.run(  # noqa: S603 - a program of this checkout
        [sys.executable, "-m", "embedded_aws", verb],
        env={**os.environ, **environment},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the embedded AWS does not {verb}: {done.stderr or done.stdout}")
