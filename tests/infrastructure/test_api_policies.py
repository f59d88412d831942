"""What the API's functions may do, and who may call them."""

from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly, Template


def _statements(template: Template, owner: str) -> list[dict[str, Any]]:
    role = template.only("AWS::IAM::Role", f"{owner}Role")
    assert role.keys() == {"AssumeRolePolicyDocument", "PermissionsBoundary"}
    policy = template.only("AWS::IAM::Policy", owner)
    return list(policy["PolicyDocument"]["Statement"])


def _own_logs_and_traces(template: Template, owner: str) -> list[dict[str, Any]]:
    (log_group,) = (key for key in template.resources("AWS::Logs::LogGroup") if owner in key)
    return [
        {
            "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "Effect": "Allow",
            "Resource": "*",
        },
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": [log_group, "Arn"]},
        },
    ]


def test_proxy_may_invoke_its_endpoint_and_no_other(assembly: Assembly) -> None:
    template = assembly.template("Prod/Api")
    *own, invoke = _statements(template, "Proxy")
    assert own == _own_logs_and_traces(template, "Proxy")
    assert invoke["Action"] == "sagemaker:InvokeEndpointWithResponseStream"
    parameter = template.body["Parameters"][invoke["Resource"]["Ref"]]
    assert parameter["Default"] == "/Prod-Serving/Published/EndpointArn"


def test_authorizer_may_do_nothing_but_log_and_trace(api: Template) -> None:
    assert _statements(api, "KeyAuthorizer") == _own_logs_and_traces(api, "KeyAuthorizer")


@pytest.mark.parametrize("environment", ["Local", "Dev", "Staging", "Prod"])
def test_only_this_api_may_call_the_functions(assembly: Assembly, environment: str) -> None:
    template = assembly.template(f"{environment}/Api")
    permissions = template.resources("AWS::Lambda::Permission").values()
    # CloudFormation calls the one that waits, with its own role.
    called = [key for key in template.resources("AWS::Lambda::Function") if "Draining" not in key]
    assert len(permissions) == len(called)
    for permission in permissions:
        properties = permission["Properties"]
        assert properties["Action"] == "lambda:InvokeFunction"
        assert properties["Principal"] == "apigateway.amazonaws.com"
        assert {"Ref": "InvokeRestApi7375BF42"} in properties["SourceArn"]["Fn::Join"][1]


def test_an_update_of_the_endpoint_is_not_blocked_by_the_api(serving: Template) -> None:
    assert not any("Export" in output for output in serving.body["Outputs"].values())
