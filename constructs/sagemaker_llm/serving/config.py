"""The configurations of endpoints: one variant, its instances and the key of their volumes."""

import aws_cdk.aws_iam as iam
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.models.catalog import CatalogEntry

from .tracking import TargetTracking
from .updates import GuardedUpdates
from .volume_key import VolumeKey

# Deployment guardrails and scaling know the variant by its name: it must never change.
VARIANT_NAME = "AllTraffic"

# Explicit, as SageMaker's default changes. Detailed observability (each GPU's and each container's
# metrics) and enhanced metrics (each instance's) are custom metrics, about 0.30 USD a month each;
# an update of one model needs neither: the proxy's metrics judge it.
_METRICS = sagemaker_cfn.CfnEndpointConfig.MetricsConfigProperty(
    enable_detailed_observability=False, enable_enhanced_metrics=False
)
# Answers differ in length a thousandfold: taking turns would queue short ones behind long ones.
_ROUTING = sagemaker_cfn.CfnEndpointConfig.RoutingConfigProperty(
    routing_strategy="LEAST_OUTSTANDING_REQUESTS"
)


def endpoint_config(
    scope: Construct,
    construct_id: str,
    *,
    model: sagemaker_cfn.CfnModel,
    served: CatalogEntry,
    key: VolumeKey | None,
    instance_type: str,
    instance_count: int,
) -> sagemaker_cfn.CfnEndpointConfig:
    """Create the configuration, which an update replaces."""
    config = sagemaker_cfn.CfnEndpointConfig
    return config(
        scope,
        construct_id,
        metrics_config=_METRICS,
        kms_key_id=key.key_arn if key else None,
        production_variants=[
            config.ProductionVariantProperty(
                variant_name=VARIANT_NAME,
                model_name=model.attr_model_name,
                instance_type=instance_type,
                initial_instance_count=instance_count,
                initial_variant_weight=1,
                inference_ami_version=served.server.inference_ami_version,
                container_startup_health_check_timeout_in_seconds=(
                    served.server.startup_timeout_seconds
                ),
                model_data_download_timeout_in_seconds=served.weights.download_timeout_seconds,
                routing_config=_ROUTING,
            )
        ],
    )


def component_config(
    scope: Construct,
    construct_id: str,
    *,
    served: CatalogEntry,
    role: iam.IRole,
    key: VolumeKey | None,
    instance_type: str,
    scaling: TargetTracking,
    updates: GuardedUpdates,
) -> sagemaker_cfn.CfnEndpointConfig:
    """Create the configuration of instances that bring no model: components do."""
    config = sagemaker_cfn.CfnEndpointConfig
    return config(
        scope,
        construct_id,
        metrics_config=_METRICS,
        kms_key_id=key.key_arn if key else None,
        # SageMaker fetches the adapters as this role.
        execution_role_arn=role.role_arn,
        enable_network_isolation=True,
        production_variants=[
            config.ProductionVariantProperty(
                variant_name=VARIANT_NAME,
                instance_type=instance_type,
                initial_instance_count=scaling.initial_instances,
                inference_ami_version=served.server.inference_ami_version,
                # Instances follow the copies. Those of a new model start beside the old ones, on
                # instances of their own.
                managed_instance_scaling=config.ManagedInstanceScalingProperty(
                    status="ENABLED",
                    min_instance_count=scaling.min_instances,
                    max_instance_count=updates.endpoint_quota(scaling),
                ),
                routing_config=_ROUTING,
            )
        ],
    )
