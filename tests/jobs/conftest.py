"""The model that all tests of jobs share; they run in .venv-jobs."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# `pytest tests` in the project's own environment, which has no torch, passes by here
collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's directory."""
    from tests.jobs.tiny_model import write_base  # noqa: PLC0415 - this file is read without torch

    directory = tmp_path_factory.mktemp("base")
    write_base(directory)
    return directory
