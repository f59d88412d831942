"""A SageMaker real-time endpoint that serves one model of the catalog through TGI."""

import aws_cdk.aws_iam as iam
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_schema
from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.log_keeping import LogKeeping
from sagemaker_llm.common.names import endpoint_name
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.images import TGI, Image

from .released_package import ReleasedPackage
from .role import EndpointRole
from .scaling import EndpointScaling, TargetTracking
from .volume_key import VolumeKey
from .weights_bucket import WeightsBucket, published_weights

# Deployment guardrails and scaling know the variant by its name: it must never change.
_VARIANT_NAME = "AllTraffic"


class LlmEndpoint(Construct):
    """Owns model, config, endpoint and scaling; an update may replace all but the endpoint."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: CatalogEntry,
        instance_type: str,
        scaling: TargetTracking,
        log_keeping: LogKeeping,
        image: Image = TGI,
        weights_bucket: WeightsBucket | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        _check_target(scaling, model.limits.max_concurrent_requests)
        self.model = model
        self.instance_type = instance_type
        # What all instances admit at once when the endpoint is at its largest.
        self.max_concurrent_requests = scaling.max_instances * model.limits.max_concurrent_requests
        self.image = image
        container_image = ContainerImage(self, "Image", image=image)
        # Named here, so that its log group is there first: SageMaker would make one, kept for ever.
        name = endpoint_name(self)
        log_group_name = f"/aws/sagemaker/Endpoints/{name}"
        log_group = log_keeping.log_group(self, "Logs", name=log_group_name)
        self.base_weights = published_weights(self, model, weights_bucket)
        self.role = EndpointRole(
            self,
            "Role",
            image=container_image,
            weights=self.base_weights,
            log_group_name=log_group_name,
        )
        self.volume_key = VolumeKey(self, "VolumeKey", user=self.role)
        self.cfn_model = self._model(container_image)
        self.cfn_config = self._config(
            model=self.cfn_model,
            key=self.volume_key,
            instance_type=instance_type,
            instance_count=scaling.min_instances,
        )
        self._endpoint = sagemaker_cfn.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=self.cfn_config.attr_endpoint_config_name,
            # Otherwise an update would put the scaled instance count back to the config's.
            retain_all_variant_properties=True,
        )
        self._endpoint.node.add_dependency(log_group)
        self.endpoint_name = self._endpoint.attr_endpoint_name
        # Not an ARN made from the name: SageMaker writes names in ARNs in lower case.
        self.endpoint_arn = self._endpoint.ref
        EndpointScaling(
            self,
            "Scaling",
            endpoint_name=self.endpoint_name,
            variant_name=_VARIANT_NAME,
            tracking=scaling,
        )

    def grant_stream(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow invoking this endpoint for a streamed answer."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["sagemaker:InvokeEndpointWithResponseStream"],
            resource_arns=[self.endpoint_arn],
        )

    def _model(self, image: ContainerImage) -> sagemaker_cfn.CfnModel:
        release = ReleasedPackage(self, "Package", model_id=self.model.model_id)
        base: dict[str, object] = {
            "Image": image.uri,
            "Environment": self.model.container_environment,
        }
        if self.base_weights:
            base["ModelDataSource"] = {
                "S3DataSource": {
                    "S3Uri": self.base_weights.uri,
                    "S3DataType": "S3Prefix",
                    "CompressionType": "None",
                }
            }
        model = sagemaker_cfn.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=True,
            primary_container=release.choose(
                # With the catalog's environment, not the one that the package was registered with:
                # the proxy counts on the same limits.
                package={
                    "ModelPackageName": release.package_arn,
                    "Environment": self.model.packaged_environment,
                },
                base=base,
            ),
        )
        for rule in ("F3031", "F3033"):
            acknowledge_schema(
                model, rule, reason="the package's branch is not taken while its name is empty"
            )
        return model

    def _config(
        self,
        *,
        model: sagemaker_cfn.CfnModel,
        key: VolumeKey,
        instance_type: str,
        instance_count: int,
    ) -> sagemaker_cfn.CfnEndpointConfig:
        weights = self.model.weights
        config = sagemaker_cfn.CfnEndpointConfig
        return config(
            self,
            "Config",
            # Encrypts the storage volume. Instances with local NVMe, such as g5, also have storage
            # that no key of ours reaches: their hardware encrypts it.
            kms_key_id=key.key_arn,
            production_variants=[
                config.ProductionVariantProperty(
                    variant_name=_VARIANT_NAME,
                    model_name=model.attr_model_name,
                    instance_type=instance_type,
                    initial_instance_count=instance_count,
                    initial_variant_weight=1,
                    container_startup_health_check_timeout_in_seconds=(
                        weights.startup_timeout_seconds
                    ),
                    model_data_download_timeout_in_seconds=weights.download_timeout_seconds,
                    # Answers differ in length a thousandfold: taking turns would queue short ones
                    # behind long ones.
                    routing_config=config.RoutingConfigProperty(
                        routing_strategy="LEAST_OUTSTANDING_REQUESTS"
                    ),
                )
            ],
        )


def _check_target(scaling: TargetTracking, admitted: int) -> None:
    # What TGI refuses is not in flight, so a target at its limit would never be exceeded.
    if scaling.target_concurrent_requests >= admitted:
        raise ValueError(
            "target_concurrent_requests must be below the max_concurrent_requests of the model,"
            f" {admitted}, got {scaling.target_concurrent_requests}"
        )
