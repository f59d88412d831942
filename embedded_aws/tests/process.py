"""An embedded AWS of its own, and its command line."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import boto3
from botocore.config import Config

from embedded_aws.host import credentials

ROOT = Path(__file__).parents[2]
_VERB_SECONDS = 1200  # far more than any verb takes: the test says which one hangs


@dataclass(frozen=True)
class EmbeddedAws:
    """An embedded AWS of its own: a port, and a folder for its state."""

    port: int
    home: Path

    program: ClassVar = "embedded_aws"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LOCAL_AWS_PORT": str(self.port),
            "LOCAL_AWS_HOME": str(self.home),
        }

    def run(self, *verb: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of the command line; fails the test with its output when it fails."""
        ended = self.try_verb(*verb)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended

    def exported(self) -> dict[str, str]:
        """Return the variables of a shell that is pointed at it."""
        words = shlex.split(self.run("env").stdout)  # It also unsets the caller's settings.
        return dict(word.split("=", 1) for word in words if "=" in word)

    def try_verb(self, *verb: str) -> subprocess.CompletedProcess[str]:
        return self.try_run("-m", self.program, *verb)

    @property
    def pid(self) -> int:
        """The process that serves; 0 before one does."""
        file = self.home / "server.pid"
        return int(file.read_text().split()[0]) if file.exists() else 0

    def start(self) -> None:
        """Start the embedded AWS, and deploy nothing."""
        ended = self.try_run("-m", "embedded_aws", "start")
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def stop(self) -> str:
        """Stop it; returns what is said of that."""
        ended = self.try_run("-m", "embedded_aws", "stop")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def try_run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_VERB_SECONDS,
        )

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
