"""The clients that users bring, each in an environment of its own, of one deployed stage."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from operate.api.deployment import Deployment
from tests.embedded.conftest import ROOT, LocalStage
from tests.embedded.conftest import (
    deployed as deployed,  # noqa: PLC0414 - it is a fixture
)
from tests.embedded.conftest import (
    embedded_aws as embedded_aws,  # noqa: PLC0414 - likewise
)

CLIENTS = ROOT / "tests/clients"
ENVIRONMENTS = ROOT / ".venv-clients"
SECONDS = 900


def run(*command: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=env, cwd=CLIENTS, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.fixture
def stage(deployed: Deployment) -> dict[str, str]:
    """What a client's checks read from their environment."""
    return {
        "PATH": os.environ["PATH"],
        "API_URL": deployed.base_url,
        "API_KEY": deployed.api_key,
        "MODEL": deployed.model,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else LiteLLM downloads it
    }


@pytest.fixture
def account(embedded_aws: LocalStage, deployed: Deployment, tmp_path: Path) -> dict[str, str]:
    """A shell that points at the embedded AWS, with no settings of the user's own."""
    return {
        **embedded_aws.exported(),
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ENDPOINT": deployed.sagemaker_endpoint,
        "SAGEMAKER_TELEMETRY_OPT_OUT": "True",
    }


def check(client: str, file: str, env: dict[str, str]) -> None:
    """Run a client's checks in its environment."""
    python = ENVIRONMENTS / client / "bin/python"
    ended = run(python, "-m", "pytest", "-c", CLIENTS / "checks.ini", CLIENTS / file, env=env)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "client", ["autogen", "instructor", "langchain", "litellm", "llama-index", "pydantic-ai"]
)
def test_client_of_openais_api_gets_what_it_expects(client: str, stage: dict[str, str]) -> None:
    check(client, f"openai/check_{client.replace('-', '_')}.py", stage)


def test_clients_in_javascript_get_what_they_expect(stage: dict[str, str]) -> None:
    ended = run("node", "--test", CLIENTS / "node/check_clients.mjs", env=stage)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_sagemakers_library_for_containers_answers_as_the_embedded_vllm() -> None:
    file = "container_standards/check_container_standards.py"
    check("container-standards", file, {"PATH": os.environ["PATH"]})


def test_predictor_of_the_sagemaker_sdk_gets_what_it_expects(account: dict[str, str]) -> None:
    check("sagemaker", "sagemaker/check_sagemaker.py", account)


def aws(
    account: dict[str, str], tmp_path: Path, asked: Any, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Invoke the endpoint with the AWS CLI; return how it ended, and the file of the answer."""
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    answer = tmp_path / "answer.json"
    given = f"--content-type application/json --body fileb://{tmp_path}/asked.json".split()
    ended = run(
        ENVIRONMENTS / "aws-cli/bin/aws",
        *("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", account["ENDPOINT"]),
        *(*given, *arguments),
        answer,
        env=account,
    )
    return ended, answer


def test_aws_cli_invokes_the_endpoint(account: dict[str, str], tmp_path: Path) -> None:
    asked = {"inputs": "The sea is", "parameters": {"max_new_tokens": 4}}
    ended, answer = aws(account, tmp_path, asked, "--target-variant", "AllTraffic")

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["InvokedProductionVariant"] == "AllTraffic"
    assert json.loads(answer.read_text())[0]["generated_text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target-variant", "Other"), "(ValidationError)"),
        (("--session-id", "NEW_SESSION"), "(ValidationError)"),
        (("--endpoint-name", "other"), "Endpoint other of account 000000000000 not found"),
    ],
)
def test_aws_cli_shows_why_an_invocation_is_refused(
    account: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    ended, _ = aws(account, tmp_path, {"inputs": "Hi"}, *arguments)

    assert ended.returncode != 0
    assert words in ended.stderr
