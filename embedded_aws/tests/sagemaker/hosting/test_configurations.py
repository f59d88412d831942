"""What endpoint configurations are refused for."""

from typing import Any

import pytest

from embedded_aws.core.rpc import ServiceError
from embedded_aws.tests.sagemaker.hosting.conftest import Hosting

_KEY = "arn:aws:kms:us-east-1:000000000000:key/k"


def _create(hosting: Hosting, instance_type: str) -> dict[str, Any]:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "M",
        "InstanceType": instance_type,
        "InitialInstanceCount": 1,
    }
    return hosting.call(
        "CreateEndpointConfig",
        EndpointConfigName="Keyed",
        ProductionVariants=[variant],
        KmsKeyId=_KEY,
    )


def test_a_key_is_refused_on_instances_with_local_disks(hosting: Hosting) -> None:
    with pytest.raises(ServiceError, match=r"request a KmsKeyId .* local storage: ml.g5.2xlarge"):
        _create(hosting, "ml.g5.2xlarge")
    assert _create(hosting, "ml.p3.2xlarge")["EndpointConfigArn"]
