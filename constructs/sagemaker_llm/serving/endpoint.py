"""A SageMaker real-time endpoint that serves one model of the catalog."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_kms as kms
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.log_keeping import KEPT_FOR_A_YEAR, LogKeeping
from sagemaker_llm.common.names import component_endpoint_name, endpoint_name
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.images import Image
from sagemaker_llm.models.instances import find_instance

from .components import (
    Components,
    adapter_statement,
    check_components,
    component_name,
)
from .config import VARIANT_NAME, component_config, endpoint_config
from .container_model import container_model
from .guardrails import RollbackAlarms, deployment_config
from .metrics import EndpointMetrics
from .parameters.released_package import ReleasedPackage
from .parameters.type_change import InstanceTypeChange
from .parameters.unguarded import UnguardedUpdate
from .role import EndpointRole
from .scaling import EndpointScaling, ScaledCount
from .tracking import TargetTracking
from .updates import GuardedUpdates
from .volume_key import VolumeKey
from .weights_bucket import WeightsBucket, published_weights

_ONE_INSTANCE = TargetTracking()
_GUARDED = GuardedUpdates()


class LlmEndpoint(EndpointMetrics, Construct):
    """Owns model, config, endpoint and scaling; an update may replace all but the endpoint.

    The model answers without a network, under a role that can only read its weights and report::

        endpoint = LlmEndpoint(self, "Chat", model=find_model("mistral-7b-instruct"))
        endpoint.grant_invoke(worker)
        endpoint.metric_server_errors().create_alarm(
            self, "Failing", threshold=5, evaluation_periods=1
        )

    A release sets `released.parameter` of the endpoint's stack; empty, the base weights are served.
    Another `instance_type` is deployed by way of `type_change`, and a return while alarms ring by
    way of `unguarded`.
    """

    variant_name = VARIANT_NAME

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: CatalogEntry,
        instance_type: str = "ml.g5.2xlarge",
        scaling: TargetTracking = _ONE_INSTANCE,
        updates: GuardedUpdates = _GUARDED,
        log_keeping: LogKeeping = KEPT_FOR_A_YEAR,
        image: Image | None = None,
        weights_bucket: WeightsBucket | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        scaling.check_limits(model.limits)
        if model.server.adapters:
            check_components(scaling, updates)
        model.server.check_instance_type(model, instance_type)
        image = image or model.server.image_for(instance_type)
        model.server.check_image(model, image, instance_type)
        self.model = model
        self.instance_type = instance_type
        # What all instances admit at once when the endpoint is at its largest.
        self.max_concurrent_requests = scaling.max_instances * model.limits.max_concurrent_requests
        self.image = image
        container_image = ContainerImage(self, "Image", image=image)
        # Named here, so that its log group is there first: SageMaker would make one, kept for ever.
        adapters = model.server.adapters
        name = component_endpoint_name(self) if adapters else endpoint_name(self)
        log_group_name = f"/aws/sagemaker/Endpoints/{name}"
        if adapters:
            base = component_name(model.model_id, name)
            log_group_name = f"/aws/sagemaker/InferenceComponents/{base}"
        log_group = log_keeping.log_group(self, "Logs", name=log_group_name)
        self.weights_bucket = weights_bucket
        self.base_weights = published_weights(self, model, weights_bucket)
        alarms = RollbackAlarms(self, "Rollback", endpoint_name=name, updates=updates).alarms
        self.role: iam.IRole = EndpointRole(
            self,
            "Role",
            image=container_image,
            weights=self.base_weights,
            log_group_name=log_group_name,
            reads=[adapter_statement(cdk.Stack.of(self), model)] if adapters else [],
            alarms=alarms,
        )
        # SageMaker may refuse a key where the instance's hardware encrypts its own disks.
        self._key = (
            None
            if find_instance(instance_type).has_local_nvme
            else VolumeKey(self, "VolumeKey", user=self.role)
        )
        self.volume_key: kms.IKey | None = self._key
        self.released = ReleasedPackage(self, "Package", model=model, has_adapters=bool(adapters))
        # None: the type of instances that nothing scales changes with any deployment.
        self.type_change: InstanceTypeChange | None = None
        self.unguarded = UnguardedUpdate(self, "Unguarded")
        self.cfn_model = container_model(
            self,
            "Model",
            served=model,
            image=container_image,
            weights=self.base_weights,
            role=self.role,
            released=self.released,
        )
        place = self._on_components if adapters else self._on_variant
        self._endpoint = place(name, scaling, updates, self.unguarded.alarms_of(alarms))
        self._endpoint.node.add_dependency(log_group)
        self.endpoint_name = self._endpoint.attr_endpoint_name
        # Not an ARN made from the name: SageMaker writes names in ARNs in lower case.
        self.endpoint_arn = self._endpoint.ref

    @property
    def components(self) -> dict[str, str]:
        """The inference component that answers for each model: the base first; none without."""
        adapters = [adapter.name for adapter in self.model.server.adapters]
        names = [self.model.model_id, *adapters] if adapters else []
        return {name: component_name(name, self.endpoint_name) for name in names}

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow invoking this endpoint for a whole answer or a streamed one."""
        return self._grant(
            grantee, "sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"
        )

    def grant_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow invoking this endpoint for a streamed answer only."""
        return self._grant(grantee, "sagemaker:InvokeEndpointWithResponseStream")

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        # SageMaker may ask about the component that a request names, too.
        components = [
            cdk.Stack.of(self).format_arn(
                service="sagemaker", resource="inference-component", resource_name=name
            )
            for name in self.components.values()
        ]
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=[*actions], resource_arns=[self.endpoint_arn, *components]
        )

    def _on_variant(
        self,
        name: str,
        scaling: TargetTracking,
        updates: GuardedUpdates,
        rollback: cdk.IResolvable,
    ) -> sagemaker_cfn.CfnEndpoint:
        """Create an endpoint whose variant has the model, and scales."""
        change = self.type_change = InstanceTypeChange(
            self, "Type", instance_type=self.instance_type
        )
        self.cfn_config = endpoint_config(
            self,
            "Config",
            model=self.cfn_model,
            served=self.model,
            key=self._key,
            instance_type=change.instance_type.value_as_string,
            instance_count=scaling.initial_instances,
        )
        endpoint = sagemaker_cfn.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=self.cfn_config.attr_endpoint_config_name,
            # Otherwise an update would put the scaled instance count back to the config's.
            retain_all_variant_properties=True,
            deployment_config=deployment_config(updates, scaling, rollback),
        )
        self.unguarded.cover(
            self.cfn_model, self.cfn_config, endpoint, instance_type=self.instance_type
        )
        EndpointScaling(
            self,
            "Scaling",
            scaled=ScaledCount.of_variant(endpoint.attr_endpoint_name, VARIANT_NAME),
            tracking=scaling,
            condition=change.is_scaled,
        )
        return endpoint

    def _on_components(
        self,
        name: str,
        scaling: TargetTracking,
        updates: GuardedUpdates,
        rollback: cdk.IResolvable,
    ) -> sagemaker_cfn.CfnEndpoint:
        """Create an endpoint that hosts the model and its adapters, whose copies scale."""
        self.cfn_config = component_config(
            self,
            "Config",
            served=self.model,
            role=self.role,
            key=self._key,
            instance_type=self.instance_type,
            scaling=scaling,
            updates=updates,
        )
        endpoint = sagemaker_cfn.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=self.cfn_config.attr_endpoint_config_name,
        )
        components = Components(
            self,
            "Components",
            endpoint=endpoint,
            model=self.cfn_model,
            served=self.model,
            instance_type=self.instance_type,
            scaling=scaling,
            updates=updates,
            rollback=rollback,
        )
        self.unguarded.cover(self.cfn_model, components.base)
        return endpoint
