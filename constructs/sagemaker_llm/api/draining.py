"""The wait for the streams of a version that an alias has left."""

import aws_cdk as cdk
import aws_cdk.aws_lambda as lambda_
from constructs import Construct

from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import LogKeeping
from sagemaker_llm.common.packaged_function import PackagedFunction

# Beside the wait: a cold start and CloudFormation's answer.
_MARGIN = cdk.Duration.seconds(45)


class VersionDraining(Construct):
    """Keeps the version before until its streams are over, whenever the alias moves.

    CloudFormation deletes what an update replaced when every resource is updated: this is one that
    is not, for as long as the wait.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.Alias,
        seconds: int,
        target: FunctionTarget,
        log_keeping: LogKeeping,
    ) -> None:
        super().__init__(scope, construct_id)
        timeout = cdk.Duration.seconds(seconds).plus(_MARGIN)
        packaged = PackagedFunction(
            self,
            "Default",
            package="version_draining",
            target=target,
            handler="version_draining.handler.handle",
            description="Makes CloudFormation wait for the streams of the previous version",
            log_keeping=log_keeping,
            memory_mib=128,  # it sleeps
            timeout=timeout,
        )
        wait = cdk.CustomResource(
            self,
            "Wait",
            resource_type="Custom::VersionDraining",
            service_token=packaged.function_arn,
            service_timeout=timeout.plus(_MARGIN),
            # The ARN, as another hosting brings another function, which begins with version 1.
            properties={"Version": alias.version.function_arn, "Seconds": str(seconds)},
        )
        # It begins when the alias has moved, and may write its log from then on.
        wait.node.add_dependency(alias, packaged.role)
