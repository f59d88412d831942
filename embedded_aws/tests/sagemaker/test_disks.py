"""No volume's key where the instances have disks of their own."""

import re

import pytest

from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker import disks

_KEY = "arn:aws:kms:us-east-1:000000000000:key/k"


@pytest.mark.parametrize(
    "family",
    ["g4dn", "g5", "g6", "g6e", "p3dn", "p4d", "p4de", "p5", "p5en", "m5d", "m6gd", "trn1", "dl1"],
)
def test_a_volumes_key_is_refused_with_local_disks(family: str) -> None:
    instance_type = f"ml.{family}.24xlarge"
    words = f"You can't request a VolumeKmsKeyId when .* local storage: {re.escape(instance_type)}."
    with pytest.raises(ServiceError, match=words) as caught:
        disks.check_key("VolumeKmsKeyId", _KEY, instance_type)
    assert caught.value.code == "ValidationException"
    disks.check_key("VolumeKmsKeyId", None, instance_type)


@pytest.mark.parametrize(
    "instance_type", ["ml.p3.2xlarge", "ml.m5.xlarge", "ml.inf2.xlarge", "ml.c7i-flex.large"]
)
def test_a_volumes_key_is_taken_with_attached_volumes(instance_type: str) -> None:
    disks.check_key("VolumeKmsKeyId", _KEY, instance_type)
