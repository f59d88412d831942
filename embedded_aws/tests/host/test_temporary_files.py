"""What programs leave in their temporary folders when they are killed: it goes with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host.control import _MAX_HOME_BYTES
from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import Account, read_write, until
from embedded_aws.tests.process import EmbeddedAws
from embedded_aws.tests.sagemaker.endpoints import begin_endpoint

pytestmark = pytest.mark.slow

_JOB_THAT_LEAVES_A_FILE = """
import tempfile
print(tempfile.mkdtemp(), flush=True)
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The caller's folder for temporary files."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def account(tmp_path: Path, outside: Path) -> Iterator[Account]:  # noqa: ARG001 - its environment
    """An account whose home has the longest name: sockets under it just have room."""
    home = tmp_path / "h".ljust(_MAX_HOME_BYTES - len(str(tmp_path)) - 1, "h")
    home.mkdir()
    account = Account(EmbeddedAws(free_port(), home))
    try:
        account.open()
        yield account
    finally:
        account.aws.stop()


def test_what_a_job_and_a_container_leave_is_deleted(account: Account, outside: Path) -> None:
    temporary = account.aws.home / "tmp"
    assert len(str(account.aws.home)) == _MAX_HOME_BYTES
    request = account.processing(_JOB_THAT_LEAVES_A_FILE, account.role(*read_write("")))
    ended = account.process(request)
    assert ended["ProcessingJobStatus"] == "Completed", ended
    (left,) = until(lambda: account.log_lines("ProcessingJob", ended["ProcessingJobName"]))
    assert Path(left).is_relative_to(temporary)
    until(lambda: list(temporary.iterdir()) == [])

    begin_endpoint(account, "e")
    until(
        lambda: (
            account.sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] != "Creating"
        )
    )
    endpoint = account.sagemaker.describe_endpoint(EndpointName="e")
    assert endpoint["EndpointStatus"] == "InService", endpoint.get("FailureReason")
    sockets = [path for path in temporary.rglob("*") if path.is_socket()]
    assert len(sockets) == 2  # SageMaker's way to it, and its own to llama.cpp
    account.sagemaker.delete_endpoint(EndpointName="e")
    until(lambda: list(temporary.iterdir()) == [])

    account.aws.stop()
    assert not temporary.exists()
    assert list(outside.iterdir()) == []
