"""SageMaker's hosting: what fails says so, what is not emulated is refused, lists are filtered."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.core.emulator import scope
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.cloudformation import resource_types
from embedded_aws.sagemaker.hosting import deployments
from embedded_aws.sagemaker.hosting import records as hosting_records
from embedded_aws.tests.account import BUCKET, TGI_IMAGE, Account, until
from embedded_aws.tests.sagemaker.hosting.conftest import TRACKING

Json = dict[str, Any]

_VARIANT: Json = {
    "VariantName": "AllTraffic",
    "InstanceType": "ml.g5.2xlarge",
    "InitialInstanceCount": 1,
}
_WEIGHTS: Json = {
    "S3DataSource": {
        "S3Uri": f"s3://{BUCKET}/weights/",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
}
_NO_ROLE = "set the model's ExecutionRoleArn: SageMaker pulls the image with it"


@pytest.fixture
def model(account: Account) -> str:
    """A model that no container can load: it has weights, and no role to read them."""
    name = account.name("Model")
    container = {"Image": TGI_IMAGE, "ModelDataSource": _WEIGHTS}
    account.sagemaker.create_model(ModelName=name, PrimaryContainer=container)
    return name


def _config(account: Account, model: str, **more: Any) -> str:
    name = account.name("Config")
    variant = {**_VARIANT, "ModelName": model, **more.pop("variant", {})}
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], **more
    )
    return name


def _failed_endpoint(account: Account, config: str) -> Json:
    name = account.name("Endpoint")
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    describe = account.sagemaker.describe_endpoint
    until(lambda: describe(EndpointName=name)["EndpointStatus"] != "Creating")
    described: Json = describe(EndpointName=name)
    return described


def test_an_endpoint_fails_with_a_reason_when_its_model_has_no_role(
    account: Account, model: str
) -> None:
    endpoint = _failed_endpoint(account, _config(account, model))
    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"] == _NO_ROLE


def test_a_stack_rolls_back_when_its_endpoint_fails(account: Account, model: str) -> None:
    endpoint = {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointConfigName": _config(account, model)},
    }
    stack, cloudformation = account.name("stack"), account.aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack, TemplateBody=json.dumps({"Resources": {"Endpoint": endpoint}})
    )
    describe = cloudformation.describe_stacks
    until(lambda: describe(StackName=stack)["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE")
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    assert _NO_ROLE in [event.get("ResourceStatusReason") for event in events]


@pytest.fixture
def records() -> Iterator[None]:
    """A model and its configuration in this process."""
    with scope("000000000000", "us-east-1"):
        variant = {**_VARIANT, "ModelName": "M"}
        sagemaker.service.call("CreateModel", {"ModelName": "M", "PrimaryContainer": {}})
        sagemaker.service.call(
            "CreateEndpointConfig", {"EndpointConfigName": "C", "ProductionVariants": [variant]}
        )
        yield
        for store in hosting_records.STORES.values():
            store.clear()


@pytest.mark.usefixtures("records")
def test_a_roll_out_that_dies_of_anything_ends_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_container(*_args: object) -> None:
        raise OSError("no such interpreter")

    monkeypatch.setattr(deployments, "Container", no_container)
    sagemaker.service.call("CreateEndpoint", {"EndpointName": "E", "EndpointConfigName": "C"})
    assert deployments.wait_until_settled("E")["EndpointStatus"] == "Failed"
    with pytest.raises(ValueError, match="OSError: no such interpreter"):
        resource_types._settled("E")


def test_lists_are_filtered_sorted_and_paged(account: Account, model: str) -> None:
    sagemaker_client = account.sagemaker
    endpoint = _failed_endpoint(account, _config(account, model))["EndpointName"]
    listed = sagemaker_client.list_endpoints(StatusEquals="Failed", NameContains=endpoint)
    assert [e["EndpointName"] for e in listed["Endpoints"]] == [endpoint]
    assert listed["Endpoints"][0]["LastModifiedTime"]
    listed = sagemaker_client.list_endpoints(StatusEquals="InService", NameContains=endpoint)
    assert listed["Endpoints"] == []

    container = {"Image": TGI_IMAGE}
    for name in ("Listed-b", "Listed-a"):
        sagemaker_client.create_model(ModelName=name, PrimaryContainer=container)
    named = {"NameContains": "Listed-", "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 1}
    first = sagemaker_client.list_models(**named)
    second = sagemaker_client.list_models(**named, NextToken=first["NextToken"])
    names = [m["ModelName"] for page in (first, second) for m in page["Models"]]
    assert names == ["Listed-a", "Listed-b"]
    assert "NextToken" not in second


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"DataCaptureConfig": {
            "InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://b/c",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }}, "DataCaptureConfig in an endpoint configuration"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/c"}}},
         "AsyncInferenceConfig in an endpoint configuration"),
        ({"variant": {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}},
         "ServerlessConfig in a production variant"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_not_emulated_is_refused(
    account: Account, model: str, given: Json, refused: str
) -> None:
    with pytest.raises(ClientError, match=refused) as caught:
        _config(account, model, **given)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_scaling_is_found_by_every_filter(account: Account, model: str) -> None:
    scaling = account.aws.client("application-autoscaling")
    endpoint = _failed_endpoint(account, _config(account, model))["EndpointName"]
    target: Json = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    with pytest.raises(ClientError, match="MinCapacity and MaxCapacity are required"):
        scaling.register_scalable_target(**target, MaxCapacity=2)
    made = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    again = scaling.register_scalable_target(**target, MaxCapacity=3)
    assert again["ScalableTargetARN"] == made["ScalableTargetARN"]
    describe = {"ServiceNamespace": "sagemaker", "ResourceIds": [target["ResourceId"]]}
    (found,) = scaling.describe_scalable_targets(**describe)["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 3)
    other = {**describe, "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
    assert scaling.describe_scalable_targets(**other)["ScalableTargets"] == []

    for name in ("one", "two"):
        scaling.put_scaling_policy(PolicyName=name, **target, **TRACKING)
    named = scaling.describe_scaling_policies(**target, PolicyNames=["two"])["ScalingPolicies"]
    assert [policy["PolicyName"] for policy in named] == ["two"]
    scaling.deregister_scalable_target(**target)
