"""The release of a model: an update of the serving stack, requested through a queue."""

import json
from weakref import WeakSet

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
import aws_cdk.aws_events as events
import aws_cdk.aws_iam as iam
import aws_cdk.aws_sqs as sqs
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_scan
from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import KEPT_FOR_A_YEAR, LogKeeping
from sagemaker_llm.common.packaged_function import PackagedFunction
from sagemaker_llm.serving.endpoint import LlmEndpoint

from .grants import grant_checks, grant_comparison, grant_release
from .registry import ModelRegistry
from .service_role import ReleaseServiceRole
from .storage import TuningStorage

_FUNCTION_TIMEOUT = cdk.Duration.seconds(20)

# The minimum that SQS accepts; as many executions are reserved.
MAX_CONCURRENCY = 2

# A release waits while something else changes the stack or the endpoint, whose update may take
# three hours: its message becomes visible again after the interval.
_RETRY_INTERVAL = cdk.Duration.seconds(60)
_ATTEMPTS = 200

_ENDED = (
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
)

_RELEASED_TO: WeakSet[cdk.Stack] = WeakSet()


class ModelRelease(Construct):
    """Owns the queue, the function, the roles and the rules that bring a model to one endpoint.

    A release updates the endpoint's stack, and is told of the end by the stack's events: so each
    stack has one release, and an endpoint that is released lies in a stack without another such.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: LlmEndpoint,
        registry: ModelRegistry,
        storage: TuningStorage,
        target: FunctionTarget = FunctionTarget.AWS,
        log_keeping: LogKeeping = KEPT_FOR_A_YEAR,
        reserves_concurrency: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        serving = cdk.Stack.of(endpoint)
        if serving in _RELEASED_TO:
            raise ValueError(
                f"stack {serving.stack_name} must have one release only: put an endpoint that is"
                " fine-tuned apart into a stack of its own"
            )
        _RELEASED_TO.add(serving)
        self.stack_name = serving.stack_name
        self.service_role = ReleaseServiceRole(
            self, "ServiceRole", endpoint=endpoint, registry=registry
        )
        self.serving_image = ContainerImage(self, "ServingImage", image=endpoint.image)
        self.queue = self._queue()
        self.function = PackagedFunction(
            self,
            "Default",
            package="model_release",
            target=target,
            handler="model_release.handler.handle",
            description="Updates the serving stack to a model and tells the pipeline how it ended",
            environment={
                "SERVING_STACK": self.stack_name,
                "PARAMETER": endpoint.released.parameter.logical_id,
                "UNGUARDED": endpoint.unguarded.parameter.logical_id,
                "ENDPOINT": endpoint.endpoint_name,
                "SERVICE_ROLE": self.service_role.role_arn,
                "PACKAGES": registry.package_arn_prefix,
                # What a package must be made of: see checks.py.
                "IMAGE": self.serving_image.uri,
                "CONTAINER_ENVIRONMENT": json.dumps(endpoint.model.packaged_environment),
                "ARTIFACTS": storage.artifacts.bucket_name,
                "ATTEMPTS": str(_ATTEMPTS),
            },
            log_keeping=log_keeping,
            memory_mib=256,
            timeout=_FUNCTION_TIMEOUT,
            reserved_concurrency=MAX_CONCURRENCY if reserves_concurrency else None,
        )
        self._feed()
        stack_arn = self._stack_arn()
        grant_release(
            self.function,
            serving,
            stack_arn=stack_arn,
            service_role=self.service_role,
            registry=registry,
        )
        grant_comparison(self.function, endpoint)
        grant_checks(self.function, storage)
        self._rules(stack_arn.removesuffix("*"), registry)

    def _feed(self) -> None:
        """Let Lambda poll the queue with the function's role.

        Not by an SqsEventSource, which would grant more than polling takes.
        """
        polling = iam.PolicyStatement(
            actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            resources=[self.queue.queue_arn],
        )
        added = self.function.role.add_to_principal_policy(polling)
        mapping = self.function.lambda_function.add_event_source_mapping(
            "Messages",
            event_source_arn=self.queue.queue_arn,
            batch_size=1,
            max_concurrency=MAX_CONCURRENCY,
            report_batch_item_failures=True,
        )
        if added.policy_dependable:
            mapping.node.add_dependency(added.policy_dependable)

    def _queue(self) -> sqs.Queue:
        failed = sqs.Queue(
            self,
            "Failed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        failed.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=cdk.Duration.minutes(1)
        ).create_alarm(
            self,
            "Unanswered",
            alarm_description="A release failed and its pipeline was not told; runbook:"
            " Release unanswered",
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=_RETRY_INTERVAL,
            # What the function gives up it answers itself; here lies what made it fail.
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=_ATTEMPTS + 5),
        )
        for each in (queue, failed):
            acknowledge_scan(
                each,
                "Checkov::CKV_AWS_27",
                reason="encrypted by SQS's key, which the check does not know; messages name models"
                " and updates, and EventBridge could not send them under a key without a grant",
            )
        return queue

    def _stack_arn(self) -> str:
        return cdk.Stack.of(self).format_arn(
            service="cloudformation", resource="stack", resource_name=f"{self.stack_name}/*"
        )

    def _rules(self, stack_id_prefix: str, registry: ModelRegistry) -> None:
        updated = events.Rule(
            self,
            "Updated",
            description="An update of the serving stack ended",
            event_pattern=events.EventPattern(
                source=["aws.cloudformation"],
                detail_type=["CloudFormation Stack Status Change"],
                detail={
                    "stack-id": [{"prefix": stack_id_prefix}],
                    "status-details": {"status": list(_ENDED)},
                },
            ),
        )
        approved = events.Rule(
            self,
            "Approved",
            description="A model of the registry was approved",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelPackageGroupName": [registry.group_name],
                    "ModelApprovalStatus": ["Approved"],
                },
            ),
        )
        for rule in (updated, approved):
            self._deliver(rule)

    def _deliver(self, rule: events.Rule) -> None:
        """Let a rule send to the queue; the target of aws_events_targets would grant more."""
        resource = rule.node.default_child
        assert isinstance(resource, events.CfnRule)  # noqa: S101 - a rule is made of one
        resource.targets = [
            events.CfnRule.TargetProperty(arn=self.queue.queue_arn, id="Queue"),
        ]
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                resources=[self.queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.rule_arn}},
            )
        )
