"""What the developer's environment holds, and what of that the programs of the embedded AWS see."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.processes import free_port
from tests.local.conftest import EmbeddedAws
from tests.local.sagemaker_account import Account, allow, read_write, until

_DEVELOPERS = {
    "HF_TOKEN": "secret-hf",
    "A_NEW_SERVICE_TOKEN": "secret-new",
    "AWS_PROFILE": "secret-profile",
    "AWS_SECRET_ACCESS_KEY": "secret-key",
    "AWS_CONFIG_FILE": "/secret-config",
    "HTTPS_PROXY": "http://secret-user@127.0.0.1:1",
    "HOME": "/secret-home",
    "TMPDIR": "/secret-tmp",
}
_PRINTS_ENVIRONMENT = "import json, os\nprint(json.dumps(dict(os.environ)))\n"
_ANSWERS_ENVIRONMENT = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that a developer with secrets in the environment started."""
    account = Account(EmbeddedAws(free_port(), tmp_path_factory.mktemp("environments")))
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in _DEVELOPERS.items():
                environment.setenv(name, value)
            account.boot()
        account.s3.create_bucket(Bucket="bench")
        yield account
    finally:
        account.aws.run("down")


def _function(account: Account, **variables: str) -> dict[str, str]:
    """The environment that a function sees."""
    code, name = io.BytesIO(), account.name("function")
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", _ANSWERS_ENVIRONMENT)
    functions = account.aws.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Role=account.role(allow("logs:*"), service="lambda.amazonaws.com"),
        Environment={"Variables": variables},
    )
    answer: dict[str, str] = json.load(functions.invoke(FunctionName=name)["Payload"])
    return answer


def _secrets(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if "secret" in f"{name}{value}"}


def _only_its_own(environment: dict[str, str], account: Account) -> None:
    """Assert that it holds nothing of the developer's, nor the server's keys and settings."""
    own = {k: v for k, v in environment.items() if k != "AWS_SECRET_ACCESS_KEY"}
    assert _secrets(own) == {}
    assert environment["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{account.aws.port}"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    for folder in (environment["HOME"], environment["TMPDIR"]):
        assert Path(folder).is_relative_to(account.aws.home / "tmp")
    assert not environment.keys() & {"STATE_DIR", "AUTH", "GATEWAY_PORT", "LOCAL_AWS_PORT"}


def test_a_function_sees_nothing_of_the_developers_environment(account: Account) -> None:
    environment = _function(account, GREETING="hello", PERSIST_STATE="1")
    _only_its_own(environment, account)
    assert environment["GREETING"] == "hello"
    assert environment["PERSIST_STATE"] == "1"  # its own, although the server has the same


def test_a_job_sees_nothing_of_the_developers_environment(account: Account) -> None:
    request = account.processing(_PRINTS_ENVIRONMENT, account.role(*read_write("")))
    ended = account.process(request)
    assert ended["ProcessingJobStatus"] == "Completed", ended
    (line,) = until(lambda: account.log_lines("ProcessingJob", ended["ProcessingJobName"]))
    _only_its_own(json.loads(line), account)


def test_no_process_of_the_embedded_aws_holds_a_secret_of_the_developers(account: Account) -> None:
    _function(account)  # its process stays warm
    server = psutil.Process(account.aws.pid)
    children = server.children(recursive=True)
    assert any("_worker.py" in " ".join(child.cmdline()) for child in children)
    for process in (server, *children):
        held: dict[str, Any] = process.environ()
        values = {k: v for k, v in held.items() if v in _DEVELOPERS.values()}
        assert values == {}, process.cmdline()
