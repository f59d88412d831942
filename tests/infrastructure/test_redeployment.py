"""What API Gateway serves is a deployment: a change to the API must make another one."""

from typing import Any

import aws_cdk as cdk
import aws_cdk.aws_apigateway as apigateway
import aws_cdk.aws_lambda as lambda_
import aws_cdk.aws_logs as logs
import pytest
from aws_cdk.assertions import Template

from invoke_proxy.http.errors import ProxyError
from sagemaker_llm import ApiSettings, Client, LogKeeping
from sagemaker_llm.api import rest_api, routes

_KEEPING = LogKeeping(
    retention=logs.RetentionDays.ONE_DAY, removal_policy=cdk.RemovalPolicy.DESTROY
)
_SETTINGS = ApiSettings(clients=(Client(name="Demo", rate_limit=1, burst_limit=1, daily_quota=1),))


def _deployment() -> str:
    """Return the logical id of the deployment, which names what is deployed."""
    stack = cdk.Stack()
    api = rest_api.InvokeRestApi(stack, "RestApi", settings=_SETTINGS, log_keeping=_KEEPING).api
    function_arn = "arn:aws:lambda:eu-west-1:111111111111:function:any"
    function = lambda_.Function.from_function_arn(stack, "Function", function_arn)
    authorizer = apigateway.TokenAuthorizer(stack, "Authorizer", handler=function)
    routes.Routes(
        stack, "Routes", api=api, proxy=function, authorizer=authorizer, settings=_SETTINGS
    )
    (deployment,) = Template.from_stack(stack).find_resources("AWS::ApiGateway::Deployment")
    return deployment


def test_changed_schema_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _deployment()
    assert _deployment() == before

    def stricter(name: str) -> dict[str, Any]:
        return {"title": name, "type": "object", "required": ["model"]}

    monkeypatch.setattr(routes, "request_schema", stricter)
    assert _deployment() != before


def test_changed_refusal_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _deployment()
    refusals = {"THROTTLED": ProxyError("timeout")}
    monkeypatch.setattr("sagemaker_llm.api.gateway_responses._REFUSALS", refusals)
    assert _deployment() != before
