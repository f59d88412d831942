"""An embedded AWS of its own with the stage deployed, and the environment of its clients."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from embedded_aws.host.processes import free_port

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Account:
    """What the verbs of `operate` say of the deployed stage, and its server's log."""

    base_url: str
    model: str
    log: Path


@cache
def client(service: str) -> Any:
    """Return a client of the account, which may do anything."""
    return boto3.client(service)


@contextmanager
def account(home: Path | None) -> Iterator[Account]:
    """Yield the account of `home`, which is left running, or a temporary one."""
    with tempfile.TemporaryDirectory(prefix="least-privilege-") as folder:
        os.environ.setdefault("LOCAL_AWS_PORT", str(free_port()))
        os.environ["LOCAL_AWS_HOME"] = str(home or folder)
        os.environ["LOCAL_AWS_JOB_PYTHON"] = sys.executable  # the stub needs no torch
        try:
            if home is None:
                _run("up")
            # the clients' own environment, whatever it is: credentials among it
            for word in shlex.split(_run("env")):
                name, equals, value = word.partition("=")
                if equals:
                    os.environ[name] = value
                else:  # after `unset`; the commands' own names are no variables
                    os.environ.pop(name, None)
            found = json.loads(_run("info"))
            yield Account(found["base_url"], found["model"], Path(home or folder) / "server.log")
        finally:
            if home is None:
                _run("down")


def _run(verb: str) -> str:
    ended = subprocess.run(  # noqa: S603 - a verb of ours
        [sys.executable, "-m", "operate", verb],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"`python -m operate {verb}` failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
