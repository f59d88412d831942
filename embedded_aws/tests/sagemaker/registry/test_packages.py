"""SageMaker's model registry: versions, approval and its event, and what of it can be hosted."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import BUCKET, Account, allow, read_write, until

_TGI = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:"
    "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
)
_PACKAGE_EVENT = "SageMaker Model Package State Change"
Register = Callable[..., str]


@pytest.fixture
def group(account: Account) -> str:
    name = account.name("Group")
    account.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


@pytest.fixture
def register(account: Account, group: str) -> Register:
    def register(**more: Any) -> str:
        source = {
            "S3Uri": f"s3://{BUCKET}/tuned/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
        }
        container = {
            "Image": _TGI,
            "Environment": {"HF_MODEL_ID": "HuggingFaceTB/SmolLM2-135M-Instruct"},
            "ModelDataSource": {"S3DataSource": source},
        }
        specification = {"Containers": [container], "SupportedContentTypes": ["application/json"]}
        answer = account.sagemaker.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=specification, **more
        )
        return str(answer["ModelPackageArn"])

    return register


def test_packages_of_a_group_are_numbered_and_a_number_is_not_given_twice(
    account: Account, group: str, register: Register
) -> None:
    first, second = register(), register()
    assert first.endswith(f":model-package/{group.lower()}/1")
    assert second.endswith("/2")
    account.sagemaker.delete_model_package(ModelPackageName=second)
    third = account.sagemaker.describe_model_package(ModelPackageName=register())
    assert third["ModelPackageVersion"] == 3
    assert third["ModelPackageStatus"] == "Completed"
    assert third["ModelApprovalStatus"] == "PendingManualApproval"


def test_packages_are_listed_by_approval_newest_first(
    account: Account, group: str, register: Register
) -> None:
    approved = [register(ModelApprovalStatus="Approved") for _ in range(2)]
    register(ModelApprovalStatus="Rejected")
    found = account.sagemaker.list_model_packages(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
    )["ModelPackageSummaryList"]
    assert [package["ModelPackageArn"] for package in found] == approved[::-1]


def test_an_approval_is_told_on_the_event_bus(account: Account, register: Register) -> None:
    approvals = {"source": ["aws.sagemaker"], "detail": {"ModelApprovalStatus": ["Approved"]}}
    queue = account.events(approvals)
    package = register(ModelMetrics={"ModelQuality": {}})
    account.sagemaker.update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="reads well"
    )
    (event,) = account.messages(queue, 1)
    assert event["detail-type"] == "SageMaker Model Package State Change"
    assert event["source"] == "aws.sagemaker"
    assert event["resources"] == [package]
    detail = event["detail"]
    assert detail["ModelPackageArn"] == package
    assert detail["ModelPackageName"] == f"{detail['ModelPackageGroupName']}/1"
    assert detail["ApprovalDescription"] == "reads well"
    assert detail["InferenceSpecification"]["Containers"][0]["Image"] == _TGI
    assert detail["UpdatedModelPackageFields"] == ["ApprovalDescription", "ModelApprovalStatus"]


def test_every_change_of_a_package_is_told_with_what_it_changed(
    account: Account, register: Register
) -> None:
    queue = account.events({"source": ["aws.sagemaker"], "detail-type": [_PACKAGE_EVENT]})
    package = register(ModelApprovalStatus="Approved")
    account.sagemaker.update_model_package(
        ModelPackageArn=package, CustomerMetadataProperties={"note": "served since May"}
    )
    told = [event["detail"] for event in account.messages(queue, 2)]
    mine = [detail for detail in told if detail["ModelPackageArn"] == package]
    changed = [detail.get("UpdatedModelPackageFields") for detail in mine]
    assert changed == [None, ["CustomerMetadataProperties"]]
    assert {detail["ModelApprovalStatus"] for detail in mine} == {"Approved"}


def test_a_group_with_packages_is_not_deleted(
    account: Account, group: str, register: Register
) -> None:
    package = register()
    conflict = account.sagemaker.exceptions.ConflictException
    with pytest.raises(conflict, match=f"first delete, with DeleteModelPackage, {package}"):
        account.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    account.sagemaker.delete_model_package(ModelPackageName=package)
    account.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    listed = account.sagemaker.list_model_package_groups(NameContains=group)
    assert listed["ModelPackageGroupSummaryList"] == []


def test_only_an_approved_package_is_hosted_and_it_brings_all_that_the_container_needs(
    account: Account, register: Register
) -> None:
    account.put("tuned/config.json", "{}")
    package = register()
    name = account.name("model")
    request = {
        "ModelName": name,
        "PrimaryContainer": {"ModelPackageName": package},
        "ExecutionRoleArn": account.role(*read_write("tuned/")),
    }
    with pytest.raises(ClientError, match="only an Approved package can be hosted"):
        account.sagemaker.create_model(**request)
    account.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    account.sagemaker.create_model(**request)
    assert _hosted(account, name)["EndpointStatus"] == "InService"
    # SageMaker makes the log group, without an expiry, and leaves it when the endpoint has gone.
    group = until(lambda: account.log_group(f"/aws/sagemaker/Endpoints/{name}"))
    assert "retentionInDays" not in group


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Failed"])
def test_only_a_completed_package_is_hosted(
    account: Account, register: Register, status: str
) -> None:
    with account.circumstances(package_status=status):
        package = register(ModelApprovalStatus="Approved")
    described = account.sagemaker.describe_model_package(ModelPackageName=package)
    assert described["ModelPackageStatus"] == status
    with pytest.raises(ClientError, match=f"{package} is {status}: only a Completed package"):
        account.sagemaker.create_model(
            ModelName=account.name("model"),
            PrimaryContainer={"ModelPackageName": package},
            ExecutionRoleArn=account.role(*read_write("tuned/")),
        )


def test_a_package_whose_weights_the_role_may_not_read_is_not_hosted(
    account: Account, register: Register
) -> None:
    account.put("tuned/config.json", "{}")
    name = account.name("model")
    account.sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"ModelPackageName": register(ModelApprovalStatus="Approved")},
        ExecutionRoleArn=account.role(allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")),
    )
    endpoint = _hosted(account, name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert "Could not access model data at s3://bench/tuned/" in endpoint["FailureReason"]


def test_a_caller_needs_the_permission_for_the_package_that_it_approves(
    account: Account, group: str, register: Register
) -> None:
    package = register()
    prefix = "arn:aws:sagemaker:us-east-1:000000000000:model-package"
    caller = account.caller(allow("sagemaker:UpdateModelPackage", f"{prefix}/other/*"))
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:Update"):
        caller.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    permitted = f"{prefix}/{group.lower()}/*"
    account.caller(allow("sagemaker:UpdateModelPackage", permitted)).update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved"
    )


def _hosted(account: Account, model: str) -> dict[str, Any]:
    variant = {
        "ModelName": model,
        "VariantName": "AllTraffic",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
    }
    sagemaker = account.sagemaker
    sagemaker.create_endpoint_config(EndpointConfigName=model, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=model, EndpointConfigName=model)
    found: dict[str, Any] = until(
        lambda: (
            (answer := sagemaker.describe_endpoint(EndpointName=model))["EndpointStatus"]
            != "Creating"
            and answer
        )
    )
    sagemaker.delete_endpoint(EndpointName=model)
    return found


def test_a_policy_sees_the_approval_and_the_metadata_of_a_request(
    account: Account, register: Register
) -> None:
    package = register()
    statement = {
        **allow("sagemaker:UpdateModelPackage", package),
        "Condition": {
            "StringEquals": {"sagemaker:ModelApprovalStatus": "Rejected"},
            "Null": {
                "sagemaker:CustomerMetadataProperties/report": "true",
                "sagemaker:CustomerMetadataPropertiesToRemove": "true",
            },
        },
    }
    caller = account.caller(statement)
    for fields in (
        {"ModelApprovalStatus": "Approved"},
        {"ApprovalDescription": "no status"},
        {"ModelApprovalStatus": "Rejected", "CustomerMetadataProperties": {"report": "x"}},
        {"ModelApprovalStatus": "Rejected", "CustomerMetadataPropertiesToRemove": ["report"]},
    ):
        with pytest.raises(ClientError, match="not authorized"):
            caller.update_model_package(ModelPackageArn=package, **fields)
    allowed = {"ModelApprovalStatus": "Rejected", "CustomerMetadataProperties": {"note": "x"}}
    caller.update_model_package(ModelPackageArn=package, **allowed)


def test_a_policy_sees_with_which_approval_a_package_is_registered(
    account: Account, register: Register
) -> None:
    package = register()
    described = account.sagemaker.describe_model_package
    statement = {
        **allow("sagemaker:CreateModelPackage"),
        "Condition": {"StringEquals": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}},
    }
    caller = account.caller(statement)
    request = {
        "ModelPackageGroupName": described(ModelPackageName=package)["ModelPackageGroupName"],
        "InferenceSpecification": described(ModelPackageName=package)["InferenceSpecification"],
    }
    with pytest.raises(ClientError, match="not authorized"):
        caller.create_model_package(**request, ModelApprovalStatus="Approved")
    created = caller.create_model_package(**request, ModelApprovalStatus="PendingManualApproval")
    found = described(ModelPackageName=created["ModelPackageArn"])
    assert found["CreatedBy"]["IamIdentity"]["Arn"].rpartition("/")[2].startswith("user")
