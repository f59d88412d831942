"""The API that tests/embedded deploys over a function that is there."""

import aws_cdk as cdk
import aws_cdk.aws_lambda as lambda_
import aws_cdk.aws_logs as logs
import pytest
from aws_cdk.assertions import Template

from sagemaker_llm import ApiSettings, Authentication, LogKeeping
from sagemaker_llm.api.rest_api import InvokeRestApi
from sagemaker_llm.api.routes import Routes
from tests.infrastructure.iam_api import ORIGIN, PROXY_ARN, TEMPLATE
from tests.infrastructure.reviewed import check_reviewed

_KEEPING = LogKeeping(
    retention=logs.RetentionDays.ONE_DAY, removal_policy=cdk.RemovalPolicy.DESTROY
)


def test_template_is_as_its_golden_file(pytestconfig: pytest.Config) -> None:
    stack = cdk.Stack(synthesizer=cdk.BootstraplessSynthesizer())
    settings = ApiSettings(authentication=Authentication.IAM, cors_origins=(ORIGIN,))
    api = InvokeRestApi(stack, "RestApi", settings=settings, log_keeping=_KEEPING).api
    function = lambda_.Function.from_function_attributes(
        stack, "Function", function_arn=PROXY_ARN, same_environment=True
    )
    Routes(stack, "Routes", api=api, proxy=function, authorizer=None, settings=settings)
    cdk.CfnOutput(stack, "RestApiId", value=api.rest_api_id)
    body = dict(Template.from_stack(stack).to_json())
    check_reviewed(TEMPLATE.parent.name, TEMPLATE.stem, body, pytestconfig)
