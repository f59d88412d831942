"""SageMaker's model: the container, with the catalog's weights or the package that is released."""

import aws_cdk.aws_iam as iam
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_schema
from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.models.catalog import CatalogEntry

from .parameters.released_package import ReleasedPackage


def container_model(
    scope: Construct,
    construct_id: str,
    *,
    served: CatalogEntry,
    image: ContainerImage,
    weights: S3Prefix | None,
    role: iam.IRole,
    released: ReleasedPackage,
) -> sagemaker_cfn.CfnModel:
    """Create the model, which an update replaces."""
    base: dict[str, object] = {"Image": image.uri, "Environment": served.container_environment}
    if weights:
        base["ModelDataSource"] = {
            "S3DataSource": {
                "S3Uri": weights.uri,
                "S3DataType": "S3Prefix",
                "CompressionType": "None",
            }
        }
    model = sagemaker_cfn.CfnModel(
        scope,
        construct_id,
        execution_role_arn=role.role_arn,
        # Of components, the endpoint's configuration isolates the containers.
        enable_network_isolation=None if served.server.adapters else True,
        primary_container=released.choose(
            # With the catalog's environment, not the one that the package was registered with:
            # the proxy counts on the same limits.
            package={
                "ModelPackageName": released.package_arn,
                "Environment": served.packaged_environment,
            },
            base=base,
        ),
    )
    model.node.add_dependency(role)
    for rule in ("F3031", "F3033"):
        acknowledge_schema(
            model, rule, reason="the package's branch is not taken while its name is empty"
        )
    return model
