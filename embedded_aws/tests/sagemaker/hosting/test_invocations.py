"""Invocations of a real container, which an update replaces meanwhile without dropping any."""

import json
import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.sagemaker.hosting import containers
from embedded_aws.tests.account import Account, until
from embedded_aws.tests.sagemaker.endpoints import begin_endpoint
from embedded_aws.tests.sagemaker.model_servers import model_servers

_ASKED = json.dumps({"inputs": "The capital of France is", "parameters": {"max_new_tokens": 40}})


def _stream(account: Account, name: str) -> Any:
    runtime = account.aws.client("sagemaker-runtime")
    body = json.dumps({**json.loads(_ASKED), "stream": True})
    return runtime.invoke_endpoint_with_response_stream(
        EndpointName=name, ContentType="application/json", Body=body
    )["Body"]


def _in_service(account: Account, name: str, config: str) -> None:
    def settled() -> bool:
        found = account.sagemaker.describe_endpoint(EndpointName=name)
        return (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", config)

    until(settled)


def _ask(account: Account, name: str) -> str:
    answer = account.aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="application/json", Body=_ASKED
    )
    return str(json.load(answer["Body"])[0]["generated_text"])


def _create(account: Account, name: str, *others: str) -> None:
    """Create an endpoint, and configurations equal to its own, and wait for it."""
    begin_endpoint(account, name, *others)
    _in_service(account, name, name)


def test_a_stream_outlives_the_update_that_replaces_its_container(account: Account) -> None:
    sagemaker, name = account.sagemaker, account.name("Invoked")
    _create(account, name, f"{name}-b")
    events = iter(_stream(account, name))
    first = next(events)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
    _in_service(account, name, f"{name}-b")
    parts = [first, *events]
    text = b"".join(part["PayloadPart"]["Bytes"] for part in parts)
    assert b'"generated_text":"' in text.replace(b" ", b"")
    assert _ask(account, name)
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_container_that_was_killed_answers_again_and_one_that_was_stopped_does_not(
    account: Account,
) -> None:
    name = account.name("Killed")
    others = model_servers(account)
    _create(account, name)
    (server,) = model_servers(account) - others
    server.kill()

    def answers() -> bool:
        with suppress(ClientError):
            return bool(_ask(account, name))
        return False

    until(answers)
    account.sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: not model_servers(account) - others)
    time.sleep(3 * containers._RESTART_SECONDS)
    assert not model_servers(account) - others
