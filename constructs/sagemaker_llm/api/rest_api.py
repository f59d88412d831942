"""The REST API without its routes: one stage, its logs, metrics, traces and refusals."""

import json

import aws_cdk as cdk
import aws_cdk.aws_apigateway as apigateway
import aws_cdk.aws_logs as logs
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge, acknowledge_scan
from sagemaker_llm.common.log_keeping import LogKeeping

from .gateway_responses import add_gateway_responses
from .routes import open_routes
from .settings import OPEN_ROUTE_LIMIT, ApiSettings, Authentication

STAGE_NAME = "api"

# Who, what and how long, and never a body: prompts and answers are not logged.
_ACCESS_LOG_FIELDS = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "apiKeyId": "$context.identity.apiKeyId",
    "userArn": "$context.identity.userArn",
    "sourceIp": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "refusal": "$context.error.responseType",
    "responseLength": "$context.responseLength",
    "responseLatencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
}


class InvokeRestApi(Construct):
    """Owns the API, its one stage and their logs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: ApiSettings,
        log_keeping: LogKeeping,
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=cdk.Stack.of(self).stack_name,  # a label: it need not be unique
            # A stream may be silent for 5 minutes; on an edge endpoint, for 30 seconds.
            endpoint_configuration=apigateway.EndpointConfiguration(
                types=[apigateway.EndpointType.REGIONAL]
            ),
            # The key comes from the authorizer, so that clients send it as a Bearer token.
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
            deploy_options=_stage(log_keeping.log_group(self, "AccessLogs"), settings),
            # The account's one switch that lets API Gateway write access logs: other stages share
            # it, so where stacks share an account it outlives each of them.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=log_keeping.removal_policy,
        )
        self.api.node.try_remove_child("Endpoint")  # an output; the stack has its own
        add_gateway_responses(self.api, settings)
        self._acknowledge(settings)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        stack = cdk.Stack.of(self)
        host = f"{self.api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        return f"https://{host}/{STAGE_NAME}"

    def _acknowledge(self, settings: ApiSettings) -> None:
        acknowledge(
            self.api,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AmazonAPIGatewayPushToCloudWatchLogs]",
            reason="it is the policy that API Gateway demands of the account's logging role",
        )
        acknowledge(
            self.api.deployment_stage,
            "APIG6",
            reason="execution logs may quote the body that a validator refuses, and keep what"
            " integrations answer: access logs say who, what, how long and which refusal",
        )
        acknowledge_scan(
            self.api.deployment_stage,
            "Checkov::CKV_AWS_120",
            reason="a cache would keep prompts and answers, and two equal prompts have two answers",
        )
        if settings.firewall is None:
            acknowledge(
                self.api.deployment_stage,
                "APIG3",
                reason="a web ACL costs by the month: this environment is configured without one",
            )


def _stage(access_logs: logs.ILogGroup, settings: ApiSettings) -> apigateway.StageOptions:
    # Where callers sign there are no usage plans: one limit is for all of them together. With keys
    # there is none: who has no key could use it up, and so shut out those who have one.
    limit = settings.iam_limit if settings.authentication is Authentication.IAM else None
    return apigateway.StageOptions(
        stage_name=STAGE_NAME,
        access_log_destination=apigateway.LogGroupLogDestination(access_logs),
        access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG_FIELDS)),
        # No execution logs, at any level: what a validator or an integration says of an error may
        # quote the request, and data traces are the request.
        logging_level=apigateway.MethodLoggingLevel.OFF,
        data_trace_enabled=False,
        metrics_enabled=True,
        tracing_enabled=True,
        throttling_rate_limit=limit.rate if limit else None,
        throttling_burst_limit=limit.burst if limit else None,
        method_options={
            f"{path}/{method}": apigateway.MethodDeploymentOptions(
                throttling_rate_limit=OPEN_ROUTE_LIMIT.rate,
                throttling_burst_limit=OPEN_ROUTE_LIMIT.burst,
                logging_level=apigateway.MethodLoggingLevel.OFF,
                metrics_enabled=True,
            )
            for method, path in open_routes(settings)
        },
    )
