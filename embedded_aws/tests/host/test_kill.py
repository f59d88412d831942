"""What is left when the embedded AWS is killed, which leaves it no moment to clean up."""

import io
import os
import signal
import zipfile
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from embedded_aws.host import guardian
from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import Account, allow, read_write, until
from embedded_aws.tests.process import EmbeddedAws

# A child in a session of its own is in no process group that anybody could kill.
_JOB_WITH_A_CHILD = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("started", flush=True)
time.sleep(600)
"""
_ENDLESS = "import time\ndef handler(event, context):\n    time.sleep(600)\n"


def _run_for_ever(account: Account) -> None:
    """Start a job with a child of its own, and a function, neither of which ends by itself."""
    request = account.processing(_JOB_WITH_A_CHILD, account.role(*read_write("")))
    name = account.name("processing")
    account.sagemaker.create_processing_job(ProcessingJobName=name, **request)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", _ENDLESS)
    functions = account.aws.client("lambda")
    functions.create_function(
        FunctionName="endless",
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Role=account.role(allow("logs:*"), service="lambda.amazonaws.com"),
        Timeout=600,
    )
    functions.invoke(FunctionName="endless", InvocationType="Event")
    until(lambda: account.log_lines("ProcessingJob", name))


def _programs(home: Path) -> list[psutil.Process]:
    """The processes of the embedded AWS in `home`, its server among them."""
    return [p for p in psutil.process_iter() if guardian.owner(p).startswith(f"{home}#")]


def _kinds(home: Path) -> set[str]:
    kinds = ("embedded_aws.host.start", "job.py", "time.sleep", "_worker.py")
    lines = []
    for process in _programs(home):
        with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
            lines.append(" ".join(process.cmdline()))
    return {kind for kind in kinds for line in lines if kind in line}


@pytest.mark.parametrize("guardian_dies_too", [False, True])
def test_no_program_and_no_temporary_file_outlives_a_killed_server(
    own_account: Account, *, guardian_dies_too: bool
) -> None:
    aws = own_account.aws
    _run_for_ever(own_account)
    until(lambda: len(_kinds(aws.home)) == 4)
    assert any((aws.home / "tmp").iterdir())
    (keeper,) = (
        child
        for child in psutil.Process(aws.pid).children()
        if "embedded_aws.host.guardian" in " ".join(child.cmdline())
    )

    if guardian_dies_too:
        keeper.kill()
    os.kill(aws.pid, signal.SIGKILL)
    if guardian_dies_too:
        aws.start()
        (server,) = _programs(aws.home)  # the new one
        assert server.pid == aws.pid
    else:
        until(lambda: _programs(aws.home) == [])
        aws.start()
    assert [path.name for path in (aws.home / "tmp").iterdir()] == []


def test_a_second_embedded_aws_of_the_same_user_loses_nothing(
    own_account: Account, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _run_for_ever(own_account)
    until(lambda: len(_kinds(own_account.aws.home)) == 4)
    before = {process.pid for process in _programs(own_account.aws.home)}
    files = set((own_account.aws.home / "tmp").iterdir())
    other = EmbeddedAws(free_port(), tmp_path_factory.mktemp("other"))
    try:
        other.start()
        os.kill(other.pid, signal.SIGKILL)
        other.start()
    finally:
        other.stop()
    assert {process.pid for process in _programs(own_account.aws.home)} >= before
    assert set((own_account.aws.home / "tmp").iterdir()) >= files
