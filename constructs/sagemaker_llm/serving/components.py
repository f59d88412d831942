"""Inference components: a model and its adapters, each asked for by name, on one endpoint."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from allowed_values.rules import RefusedValueError
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.instances import find_instance

from .config import VARIANT_NAME
from .scaling import EndpointScaling, ScaledCount
from .tracking import TargetTracking
from .updates import MAX_DEPLOYMENT_SECONDS, GuardedUpdates, UpdateStrategy

_MIB = 2**20
# Of the instance's memory: the weights are on its GPUs, and SageMaker keeps some for itself.
_SHARE_OF_MEMORY = 4

_component = sagemaker_cfn.CfnInferenceComponent


def component_name(model_name: str, endpoint_name: str) -> str:
    """Return the name of the component that answers for a model: at most 63 characters.

    In lower case, as both parts are: SageMaker writes names in ARNs so.
    """
    return f"{model_name}-{endpoint_name}"


def check_components(scaling: TargetTracking, updates: GuardedUpdates) -> None:
    """Raise ValueError for what components cannot do."""
    if updates.chosen(scaling) is UpdateStrategy.CANARY:
        raise RefusedValueError(
            "updates with adapters must be rolling or all-at-once: inference components have no"
            " canary, got canary"
        )
    if scaling.target_work_milliseconds:
        raise RefusedValueError(
            "target_work_milliseconds must be None with adapters: the copies of a component follow"
            f" its requests, got {scaling.target_work_milliseconds:g}"
        )


class Components(Construct):
    """Owns the base and its adapters: each adapter is there after the base, and goes before it.

    A copy takes an instance's GPUs, so that SageMaker runs as many instances as there are copies.
    Nothing retains their scaled count: what updates the base sets it. So that is the largest one,
    from which scaling takes what is idle, and no update takes away what is needed. Unverified: that
    CloudFormation sends the count with each update; look at the copies of a base after one.

    Unverified: that the base's ConcurrentRequestsPerCopy counts the requests of its adapters, too;
    look at it while an adapter is asked, and until then let min_instances carry the load.

    Unverified: that SageMaker publishes the variant's metrics, by which the alarms of a declared
    load ring, when components bring the models; look at CloudWatch's list of metrics.

    Unverified: that an update of the base loads its adapters into the new copies before these take
    requests; look at the answers of an adapter while a model of the base is replaced.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: sagemaker_cfn.CfnEndpoint,
        model: sagemaker_cfn.CfnModel,
        served: CatalogEntry,
        instance_type: str,
        scaling: TargetTracking,
        updates: GuardedUpdates,
        rollback: cdk.IResolvable,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint = endpoint
        self.base = base = _component(
            self,
            "Base",
            inference_component_name=self._name(served.model_id),
            endpoint_name=endpoint.attr_endpoint_name,
            variant_name=VARIANT_NAME,
            specification=_base(served, model, instance_type),
            runtime_config=_component.InferenceComponentRuntimeConfigProperty(
                copy_count=scaling.max_instances
            ),
            deployment_config=_rolling(updates, scaling, rollback),
        )
        EndpointScaling(
            self,
            "Scaling",
            scaled=ScaledCount.of_component(self._name(served.model_id)),
            tracking=scaling,
        ).node.add_dependency(base)
        for adapter in served.server.adapters:
            _component(
                self,
                f"Adapter-{adapter.name}",
                inference_component_name=self._name(adapter.name),
                endpoint_name=endpoint.attr_endpoint_name,
                specification=_component.InferenceComponentSpecificationProperty(
                    base_inference_component_name=self._name(served.model_id),
                    container=_component.InferenceComponentContainerSpecificationProperty(
                        artifact_url=adapter.artifact
                    ),
                ),
            ).add_resource_dependency(base)

    def _name(self, model_name: str) -> str:
        return component_name(model_name, self._endpoint.endpoint_name or "")


def adapter_statement(stack: cdk.Stack, served: CatalogEntry) -> iam.PolicyStatement:
    """Allow reading the archives, where they lie in buckets of the account.

    Unverified: that SageMaker reads an ArtifactUrl with GetObject alone; look at the FailureReason
    of a first adapter component.
    """
    return iam.PolicyStatement(
        actions=["s3:GetObject"],
        resources=[
            f"arn:{stack.partition}:s3:::{adapter.object_path}"
            for adapter in served.server.adapters
        ],
        conditions={"StringEquals": {"aws:ResourceAccount": stack.account}},
    )


def _base(
    served: CatalogEntry, model: sagemaker_cfn.CfnModel, instance_type: str
) -> sagemaker_cfn.CfnInferenceComponent.InferenceComponentSpecificationProperty:
    """Return a copy that takes an instance's GPUs: one on each, as without components."""
    instance = find_instance(instance_type)
    return _component.InferenceComponentSpecificationProperty(
        model_name=model.attr_model_name,
        startup_parameters=_component.InferenceComponentStartupParametersProperty(
            container_startup_health_check_timeout_in_seconds=(
                served.server.startup_timeout_seconds
            ),
            model_data_download_timeout_in_seconds=served.weights.download_timeout_seconds,
        ),
        compute_resource_requirements=(
            _component.InferenceComponentComputeResourceRequirementsProperty(
                number_of_accelerator_devices_required=instance.gpus,
                min_memory_required_in_mb=int(instance.host_bytes) // _MIB // _SHARE_OF_MEMORY,
            )
        ),
    )


def _rolling(
    updates: GuardedUpdates, scaling: TargetTracking, rollback: cdk.IResolvable
) -> sagemaker_cfn.CfnInferenceComponent.InferenceComponentDeploymentConfigProperty | None:
    """Return how a new model replaces the old; a batch is half of the copies at most."""
    if updates.chosen(scaling) is not UpdateStrategy.ROLLING:
        return None
    size = _component.InferenceComponentCapacitySizeProperty(
        type="COPY_COUNT", value=updates.step_instances
    )
    return _component.InferenceComponentDeploymentConfigProperty(
        auto_rollback_configuration=rollback,
        rolling_update_policy=_component.InferenceComponentRollingUpdatePolicyProperty(
            maximum_batch_size=size,
            rollback_maximum_batch_size=size,
            wait_interval_in_seconds=updates.baking_seconds,
            maximum_execution_timeout_in_seconds=MAX_DEPLOYMENT_SECONDS,
        ),
    )
