"""The disks of instances: on those of their own, no KMS key of the caller's is possible."""

import re

from embedded_aws.core.rpc import invalid

# EC2's families with instance store volumes: those whose name says so with a `d`, and the rest.
_NAMED = re.compile(r"[a-z]+\d+[a-z]*d[a-z]*")
_OTHERS = re.compile(r"dl1|g[567]|g[67]e|p5(e|en)?|p6-b[23]00|p6e-gb200|trn1n?|trn2")


def check_key(member: str, key: str | None, instance_type: str) -> None:
    """Raise ServiceError for a volume's key on instances with disks of their own.

    The API's reference says of jobs that such a key cannot be requested, CloudFormation's says that
    CreateEndpointConfig fails; for endpoints the API's says only that the key encrypts nothing.

    Unverified: that endpoint configurations are refused, and AWS's words; look at the error of
    `aws sagemaker create-endpoint-config --kms-key-id` for an ml.g5 variant.
    """
    family = instance_type.split(".")[1]
    if key and (_NAMED.fullmatch(family) or _OTHERS.fullmatch(family)):
        raise invalid(
            f"You can't request a {member} when using an instance type with local storage: "
            f"{instance_type}."
        )
