"""A Python function run from its built asset, with a role, a log group and traces of its own."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_lambda as lambda_
from constructs import Construct

from .acknowledge import acknowledge, acknowledge_scan, acknowledge_wildcard
from .function_assets import FunctionTarget, function_code
from .log_keeping import LogKeeping

_ACCEPTED = {
    "CKV_AWS_116": "nothing invokes it asynchronously, which is all that a function's dead letters"
    " are for: API Gateway waits for the answer, and a queue has dead letters of its own",
    "CKV_AWS_117": "it calls AWS's APIs only, which verify its signature; a VPC would hold nothing"
    " that it needs, and every interface endpoint costs by the hour",
}


class PackagedFunction(Construct):
    """Owns a function, its log group and its role, which may write logs, traces and no more.

    The construct that owns it grants the rest. Another `function_id` replaces a deployed function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: str,
        target: FunctionTarget,
        handler: str,
        log_keeping: LogKeeping,
        memory_mib: int,
        timeout: cdk.Duration,
        description: str,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        reserved_concurrency: int | None = None,
        snap_start: bool = False,
        version_of: str | None = None,
        function_id: str = "Function",
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = log_keeping.log_group(self, "Logs")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.lambda_function = lambda_.Function(
            self,
            function_id,
            # The assets' compiled dependencies are built for this runtime and architecture.
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=function_code(package, target),
            handler=handler,
            description=description,
            environment=dict(environment or {}),
            layers=list(layers),
            memory_size=memory_mib,
            timeout=timeout,
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # Lambda publishes a version of what has changed. A parameter's new value changes no
            # template, but this description.
            current_version_options=lambda_.VersionOptions(description=version_of)
            if version_of
            else None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
        )
        log_group.grant_write(self.role)
        _acknowledge(self, has_environment=bool(environment), reserves=bool(reserved_concurrency))

    @property
    def function_arn(self) -> str:
        """The function's ARN."""
        return self.lambda_function.function_arn

    def allow(self, *statements: iam.PolicyStatement) -> None:
        """Let the function do what the statements say."""
        for statement in statements:
            self.lambda_function.add_to_role_policy(statement)


def _acknowledge(packaged: PackagedFunction, *, has_environment: bool, reserves: bool) -> None:
    function = packaged.lambda_function
    acknowledge_wildcard(packaged.role, "*", reason="xray:PutTraceSegments takes no other resource")
    acknowledge(
        function, "L1", reason="3.13 is the Python that the assets' dependencies are locked for"
    )
    for check, reason in _ACCEPTED.items():
        acknowledge_scan(function, f"Checkov::{check}", reason=reason)
    if not reserves:
        acknowledge_scan(
            function,
            "Checkov::CKV_AWS_115",
            reason="it shares the account's executions: what calls it bounds it, or the account"
            " is a new one with ten in all, of which AWS lets none be reserved",
        )
    if has_environment:
        acknowledge_scan(
            function,
            "Checkov::CKV_AWS_173",
            reason="the environment holds names and limits, no secret: Lambda's own key does",
        )
