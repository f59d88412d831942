"""The stage that `make up` deployed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.deployment import Deployment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", name="deployed")
def _deployed() -> Deployment:
    command = [sys.executable, "-m", "local", "info"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Deployment(**json.loads(ended.stdout))
