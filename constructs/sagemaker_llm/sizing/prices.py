"""Prices: the one table.

Unverified: USD in us-east-1, from public lists that have no date of their own; compare
https://aws.amazon.com/pricing and the first bill.
"""

from collections.abc import Mapping
from types import MappingProxyType

from allowed_values.rules import RefusedValueError

COLLECTED_ON = "2026-11-27"  # from the lists; how old their prices were, they do not say
HOURS_A_MONTH = 730

INSTANCE_HOUR: Mapping[str, float] = MappingProxyType(
    {
        "ml.g5.2xlarge": 1.515,
        "ml.g5.12xlarge": 7.09,
        "ml.g6.2xlarge": 1.222,
        "ml.g6e.2xlarge": 2.80,
    }
)
LAMBDA_GIGABYTE_SECOND = 0.0000133334  # on arm64
LAMBDA_REQUEST = 0.20 / 1e6
SNAPSTART_CACHE_GIGABYTE_SECOND = 0.0000015046  # of each published version
SNAPSTART_RESTORE_GIGABYTE = 0.0001397998
# Of Lambda's managed instances: EC2's price, and the fee on top of it.
EC2_HOUR: Mapping[str, float] = MappingProxyType(
    {"c7g.large": 0.0725, "m7g.large": 0.0816, "r7g.large": 0.1071}
)
MANAGEMENT_FEE = 0.15
ENDPOINT_HOUR = 0.01  # of an interface endpoint in one zone
API_REQUEST = 3.50 / 1e6  # of a REST API
LOG_GIGABYTE = 0.50  # written; keeping it is LOG_GIGABYTE_MONTH
KEY_MONTH = 1.0
ALARM_MONTH = 0.10
WEB_ACL_MONTH = 5.0
WEB_ACL_RULE_MONTH = 1.0
GIGABYTE_MONTH = 0.023  # in S3
LOG_GIGABYTE_MONTH = 0.03


def instance_hour(instance_type: str) -> float:
    """Return what an instance of SageMaker's costs an hour; raise RefusedValueError if unknown."""
    return _known(INSTANCE_HOUR, "INSTANCE_HOUR", instance_type, "aws.amazon.com/sagemaker/pricing")


def ec2_hour(instance_type: str) -> float:
    """Return what an instance of EC2's costs an hour; raise RefusedValueError if unknown."""
    return _known(EC2_HOUR, "EC2_HOUR", instance_type, "aws.amazon.com/ec2/pricing/on-demand")


def _known(table: Mapping[str, float], name: str, instance_type: str, page: str) -> float:
    if instance_type not in table:
        raise RefusedValueError(
            f"the price of {instance_type} must be in {name} of sagemaker_llm/sizing/prices.py,"
            f" which has {', '.join(table)}: see {page}"
        )
    return table[instance_type]
