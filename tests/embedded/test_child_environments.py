"""What the developer's environment holds, and what of that the programs of the embedded AWS see."""

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import Account, allow, read_write, until
from embedded_aws.tests.process import EmbeddedAws
from embedded_aws.tests.sagemaker.endpoints import begin_endpoint
from tests.embedded.test_web_functions import template_of_a_function_that_tells_its_process

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
_BOOTSTRAP = f"""#!{sys.executable}
import json, os, urllib.request
base = f"http://{{os.environ['AWS_LAMBDA_RUNTIME_API']}}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{{base}}/next") as event:
        name = event.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = json.dumps(dict(os.environ)).encode()
    urllib.request.urlopen(f"{{base}}/{{name}}/response", answer).close()
"""
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
        account.aws.stop()


def _function(account: Account, runtime: str = "python3.13", **variables: str) -> dict[str, str]:
    """The environment that a function sees."""
    code, name = io.BytesIO(), account.name("function")
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", _ANSWERS_ENVIRONMENT)
        archive.writestr("bootstrap", _BOOTSTRAP)
    functions = account.aws.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Role=account.role(allow("logs:*"), service="lambda.amazonaws.com"),
        Environment={"Variables": variables},
        Timeout=60,
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


@pytest.mark.parametrize("runtime", ["python3.13", "provided.al2023"])
def test_a_function_sees_nothing_of_the_developers_environment(
    account: Account, runtime: str
) -> None:
    environment = _function(account, runtime, GREETING="hello", PERSIST_STATE="1")
    _only_its_own(environment, account)
    assert environment["GREETING"] == "hello"
    assert environment["PERSIST_STATE"] == "1"  # its own, although the server has the same


def test_a_job_sees_nothing_of_the_developers_environment(account: Account) -> None:
    request = account.processing(_PRINTS_ENVIRONMENT, account.role(*read_write("")))
    ended = account.process(request)
    assert ended["ProcessingJobStatus"] == "Completed", ended
    (line,) = until(lambda: account.log_lines("ProcessingJob", ended["ProcessingJobName"]))
    _only_its_own(json.loads(line), account)


def _call_a_web_function(account: Account) -> None:
    """Deploy an API with a web function behind it, and ask it once."""
    cloudformation = account.aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="Teller",
        TemplateBody=template_of_a_function_that_tells_its_process(),
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="Teller", WaiterConfig={"Delay": 1}
    )
    (stack,) = cloudformation.describe_stacks(StackName="Teller")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    url = f"http://127.0.0.1:{account.aws.port}/_aws/execute-api/{outputs['ApiId']}/prod/health"
    assert httpx.get(url, timeout=120, trust_env=False).status_code == 200


def _runs_all_kinds(server: psutil.Process) -> bool:
    lines = ""
    for child in server.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
            lines += " ".join(child.cmdline())
    return all(kind in lines for kind in ("_worker.py", "embedded_aws.model_server", "http.server"))


def test_no_process_of_the_embedded_aws_holds_a_secret_of_the_developers(account: Account) -> None:
    _function(account)  # its process stays warm
    begin_endpoint(account, "e")  # whose model need not serve yet
    _call_a_web_function(account)
    server = psutil.Process(account.aws.pid)
    until(lambda: _runs_all_kinds(server))
    children = server.children(recursive=True)
    for process in (server, *children):
        with suppress(psutil.NoSuchProcess):  # likewise
            held: dict[str, Any] = process.environ()
            values = {k: v for k, v in held.items() if v in _DEVELOPERS.values()}
            assert values == {}, process.cmdline()
