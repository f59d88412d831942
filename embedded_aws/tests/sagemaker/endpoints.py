"""Endpoints that a test creates."""

from collections.abc import Mapping

from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import TGI_IMAGE, Account

_PACKAGED = {"HF_MODEL_ID": MODEL_ID}


def begin_endpoint(
    account: Account,
    name: str,
    *others: str,
    image: str = TGI_IMAGE,
    environment: Mapping[str, str] = _PACKAGED,
    **variant: str,
) -> None:
    """Let an endpoint begin to start, whose model and configuration have its name.

    `others` are further configurations that are equal.
    """
    sagemaker = account.sagemaker
    container = {"Image": image, "Environment": environment}
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=account.role(), PrimaryContainer=container
    )
    production = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        **variant,
    }
    for config in (name, *others):
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[production])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
