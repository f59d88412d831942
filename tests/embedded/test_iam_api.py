"""An API that authenticates by IAM, as the constructs make it, over the deployed proxy."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from embedded_aws.tests.account import until
from tests.embedded.conftest import LocalStage
from tests.infrastructure.iam_api import ORIGIN, PROXY_ARN, TEMPLATE

_STACK = "ByIam"


@pytest.fixture(scope="module")
def api_id(embedded_aws: LocalStage, proxy_function: dict[str, Any]) -> Iterator[str]:
    cloudformation = embedded_aws.client("cloudformation")
    text = TEMPLATE.read_text().replace(PROXY_ARN, proxy_function["FunctionArn"])
    body = json.dumps(json.loads(text))  # Without the indents, which CloudFormation counts.
    cloudformation.create_stack(
        StackName=_STACK, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=_STACK, WaiterConfig={"Delay": 1}
    )
    (stack,) = cloudformation.describe_stacks(StackName=_STACK)["Stacks"]
    yield stack["Outputs"][0]["OutputValue"]
    cloudformation.delete_stack(StackName=_STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=_STACK, WaiterConfig={"Delay": 1}
    )


@pytest.fixture(scope="module")
def url(embedded_aws: LocalStage, api_id: str) -> str:
    return f"http://127.0.0.1:{embedded_aws.port}/_aws/execute-api/{api_id}/api"


def user(aws: LocalStage, name: str, *resources: str) -> tuple[str, Credentials]:
    """Create a user that may invoke these resources; return its ARN and its key."""
    iam = aws.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if resources:
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="Invoke", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def signed(url: str, credentials: Credentials, body: Any = None) -> httpx.Response:
    """Send a request that these credentials sign."""
    data = json.dumps(body).encode() if body else b""
    headers = {"Content-Type": "application/json"} if body else {}
    request = AWSRequest("POST" if body else "GET", url, headers, data)
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    return httpx.request(
        request.method, url, headers=dict(request.headers), content=data, timeout=120
    )


def test_a_principal_with_permission_is_served_and_logged_by_its_arn(
    embedded_aws: LocalStage, url: str, api_id: str, proxy_function: dict[str, Any]
) -> None:
    arn, key = user(embedded_aws, "ann", f"arn:aws:execute-api:*:*:{api_id}/api/*")
    assert signed(f"{url}/v1/models", key).json()["data"]
    chat = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "stream": True}
    answer = signed(f"{url}/v1/chat/completions", key, chat)
    assert answer.status_code == 200
    assert answer.text.endswith("data: [DONE]\n\n")
    assert arn in clients_in_log(embedded_aws, proxy_function["LoggingConfig"]["LogGroup"])


def clients_in_log(aws: LocalStage, group: str) -> set[str]:
    """Return the clients of the requests by `ann`, once one is logged."""

    def found() -> set[str]:
        events = aws.client("logs").filter_log_events(logGroupName=group, filterPattern="user/ann")
        return {json.loads(event["message"])["client"] for event in events["events"]}

    clients: set[str] = until(found)
    return clients


def test_a_principal_without_permission_is_denied(embedded_aws: LocalStage, url: str) -> None:
    _, key = user(embedded_aws, "bob")
    # In the embedded AWS's own words: its IAM does not ask the API for a gateway response.
    assert signed(f"{url}/v1/models", key).status_code == 403


def test_a_call_without_a_signature_is_told_to_sign(url: str) -> None:
    answer = httpx.get(f"{url}/v1/models", timeout=120)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")
    assert answer.headers["x-request-id"]


def test_a_wrong_signature_is_told_to_sign(embedded_aws: LocalStage, url: str) -> None:
    _, key = user(embedded_aws, "eve", "*")
    for wrong in (Credentials(key.access_key, "wrong"), Credentials("AKIAUNKNOWN00000000", "x")):
        answer = signed(f"{url}/v1/models", wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")


def test_health_needs_no_signature(url: str) -> None:
    assert httpx.get(f"{url}/health", timeout=120).status_code == 200


def test_pages_of_a_listed_origin_reach_the_proxy_and_can_read_the_gateways_refusals(
    url: str,
) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{url}/v1/chat/completions", headers=asked, timeout=120)
    refused = httpx.get(f"{url}/v1/models", headers={"Origin": ORIGIN}, timeout=120)

    # The deployed proxy is that of a stage without origins: it has the preflight, and allows none.
    assert preflight.status_code == 405
    assert preflight.headers["x-request-id"]
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN


def test_pages_of_other_origins_cannot_read_the_gateways_refusals(url: str) -> None:
    refused = httpx.get(
        f"{url}/v1/models", headers={"Origin": "https://other.example"}, timeout=120
    )
    assert refused.headers["access-control-allow-origin"] == ORIGIN
