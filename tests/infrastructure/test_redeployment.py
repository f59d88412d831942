"""What API Gateway serves is a deployment: a change to the API must make another one."""

from typing import Any

import aws_cdk as cdk
import aws_cdk.aws_lambda as lambda_
import aws_cdk.aws_logs as logs
import pytest
from aws_cdk.assertions import Template

from invoke_proxy.http.errors import ProxyError
from sagemaker_llm import ApiSettings, Client, FunctionTarget, LogKeeping
from sagemaker_llm.api.authorizer import KeyAuthorizer
from sagemaker_llm.api.rest_api import InvokeRestApi
from sagemaker_llm.api.routes import Routes

_KEEPING = LogKeeping(
    retention=logs.RetentionDays.ONE_DAY, removal_policy=cdk.RemovalPolicy.DESTROY
)
_CLIENTS = (Client(name="Demo", rate_limit=1, burst_limit=1, daily_quota=1),)


def _deployment(**settings: Any) -> str:
    """Return the logical id of the deployment, which names what is deployed."""
    stack = cdk.Stack()  # without feature flags, as in somebody else's app
    own = ApiSettings(clients=_CLIENTS, **settings)
    api = InvokeRestApi(stack, "RestApi", settings=own, log_keeping=_KEEPING).api
    function_arn = "arn:aws:lambda:eu-west-1:111111111111:function:any"
    function = lambda_.Function.from_function_arn(stack, "Function", function_arn)
    keys = KeyAuthorizer(
        stack,
        "Keys",
        target=FunctionTarget.LOCAL,
        log_keeping=_KEEPING,
        reserved_concurrency=None,
    )
    Routes(stack, "Routes", api=api, proxy=function, authorizer=keys.authorizer, settings=own)
    (deployment,) = Template.from_stack(stack).find_resources("AWS::ApiGateway::Deployment")
    return deployment


@pytest.fixture(scope="module")
def before(built_functions: None) -> str:  # noqa: ARG001 - synth packages them
    return _deployment()


def _stricter(name: str) -> dict[str, Any]:
    return {"title": name, "type": "object", "required": ["model"]}


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("routes.request_schema", _stricter),
        ("routes.INTEGRATION_TIMEOUT", cdk.Duration.seconds(30)),
        ("routes._GET_ROUTES", ("/v1/models",)),
        ("gateway_responses._REFUSALS", {"THROTTLED": ProxyError("timeout")}),
        ("authorizer._BEARER", "^[Bb]earer .+$"),
        ("authorizer._CACHE", cdk.Duration.minutes(1)),
    ],
)
def test_a_change_is_deployed(
    before: str,
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
    value: Any,
) -> None:
    monkeypatch.setattr(f"sagemaker_llm.api.{changed}", value)
    assert _deployment() != before


def test_a_setting_of_the_api_is_deployed_and_what_is_equal_is_not(before: str) -> None:
    assert _deployment() == before
    assert _deployment(playground=True) != before
