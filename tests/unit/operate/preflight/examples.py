"""A plan to break row by row, and clients whose answers botocore checks by AWS's models."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.stub import Stubber

from operate.preflight.plan import Fleet, ImageNeed, Plan, QuotaNeed, WeightsNeed

ACCOUNT, REGION = "111111111111", "eu-west-1"
ENDPOINT_QUOTA = "ml.g5.2xlarge for endpoint usage"

_PLAN = Plan(
    stage="Dev",
    configured=(ACCOUNT, REGION),
    account=ACCOUNT,
    region=REGION,
    images=(ImageNeed("serving", "763104351884", "tgi", "1.1.0", None),),
    layer_arn="arn:aws:lambda:eu-west-1:753240598075:layer:LambdaAdapterLayerArm64:30",
    tuned_from=None,
    weights=WeightsNeed("jumpstart-cache-prod-eu-west-1", "mistral/v1/"),
    archives=(),
    staged=False,
    instance_types=("ml.g5.2xlarge", "ml.m5.large"),
    quotas=(QuotaNeed(name=ENDPOINT_QUOTA, by={"dev": 2, "prod": 8}),),
    reserved_executions={"dev": 0, "prod": 606},
    fleet=Fleet(instance_type="ml.g5.2xlarge", smallest=1, largest=2),
    stacks=("Dev-Serving",),
    pipeline="dev-training-fine-tune",
)


def plan(**changes: Any) -> Plan:
    """Return the plan of an environment `dev`, which shares its account with `prod`."""
    return dataclasses.replace(_PLAN, **changes)


@contextmanager
def stubbed(service: str, *answers: tuple[str, Any]) -> Iterator[Any]:
    """A client that gives these answers in turn: an operation, and its response or error code."""
    client = boto3.client(
        service, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="s"
    )
    with Stubber(client) as aws:
        for operation, answer in answers:
            if isinstance(answer, str):
                code, _, message = answer.partition(": ")
                aws.add_client_error(operation, code, message)
            else:
                aws.add_response(operation, answer)
        yield client
        aws.assert_no_pending_responses()
