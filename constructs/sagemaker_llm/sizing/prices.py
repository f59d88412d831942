"""Prices: the one table.

Unverified: USD in us-east-1, from public lists without a date; compare
https://aws.amazon.com/pricing and the first bill.
"""

from collections.abc import Mapping
from types import MappingProxyType

from allowed_values.rules import RefusedValueError

AS_OF = "2026-11-27"
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
API_REQUEST = 3.50 / 1e6  # of a REST API
LOG_GIGABYTE = 0.50  # written; keeping it is LOG_GIGABYTE_MONTH
KEY_MONTH = 1.0
ALARM_MONTH = 0.10
WEB_ACL_MONTH = 5.0
WEB_ACL_RULE_MONTH = 1.0
GIGABYTE_MONTH = 0.023  # in S3
LOG_GIGABYTE_MONTH = 0.03


def instance_hour(instance_type: str) -> float:
    """Return what an instance costs an hour; raise RefusedValueError for an unknown price."""
    if instance_type not in INSTANCE_HOUR:
        raise RefusedValueError(
            f"the price of {instance_type} must be in INSTANCE_HOUR of sagemaker_llm/sizing/"
            f"prices.py, which has {', '.join(INSTANCE_HOUR)}: see aws.amazon.com/sagemaker/pricing"
        )
    return INSTANCE_HOUR[instance_type]
