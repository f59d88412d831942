"""The fine-tuning stack: what it keeps, and what makes a release begin."""

from typing import Any

import pytest

from tests.infrastructure.assembly import ENVIRONMENTS, ROOT, Assembly, Template

_BUCKET = "AWS::S3::Bucket"
_STATEFUL = {
    "StorageKeyBAA9457B",
    "StorageData6BB23F4E",
    "StorageArtifacts08431D1F",
    "RegistryGroupF9A457C4",
}


@pytest.fixture(name="training", params=ENVIRONMENTS)
def _training(request: pytest.FixtureRequest, assembly: Assembly) -> Template:
    return assembly.template(f"{request.param}/Training")


def test_what_is_kept_is_the_same_for_ever(training: Template) -> None:
    # Another logical id would leave data and models behind, and begin with empty buckets.
    assert training.body["Resources"].keys() >= _STATEFUL


@pytest.mark.parametrize(
    ("environment", "policy"),
    [("Local", "Delete"), ("Dev", "Retain"), ("Staging", "Retain"), ("Prod", "Retain")],
)
def test_data_and_models_outlive_the_stack_outside_the_laptop(
    assembly: Assembly, environment: str, policy: str
) -> None:
    resources = assembly.template(f"{environment}/Training").body["Resources"]
    assert {resources[key]["DeletionPolicy"] for key in _STATEFUL} == {policy}
    assert {resources[key]["UpdateReplacePolicy"] for key in _STATEFUL} == {policy}


def test_buckets_are_encrypted_versioned_and_closed(training: Template) -> None:
    for bucket in training.resources(_BUCKET).values():
        properties = bucket["Properties"]
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        assert default["SSEAlgorithm"] == "aws:kms"
        assert default["KMSMasterKeyID"] == {"Fn::GetAtt": ["StorageKeyBAA9457B", "Arn"]}
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketName" not in properties
    assert training.only("AWS::KMS::Key")["EnableKeyRotation"] is True


def test_buckets_refuse_connections_without_tls(training: Template) -> None:
    policies = training.resources("AWS::S3::BucketPolicy").values()
    assert len(policies) == len(training.resources(_BUCKET))
    for policy in policies:
        statement = policy["Properties"]["PolicyDocument"]["Statement"][0]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_intermediate_results_outlive_the_cache_and_models_are_kept(training: Template) -> None:
    rules = training.only(_BUCKET, "Artifacts")["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert expiring == {"prepared/": 90, "checkpoints/": 14, "candidates/": 90}


def test_checkpoints_that_a_training_deleted_are_gone_soon(training: Template) -> None:
    rules = training.only(_BUCKET, "Artifacts")["LifecycleConfiguration"]["Rules"]
    (rule,) = (rule for rule in rules if rule.get("Prefix") == "checkpoints/")
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def _pattern(template: Template, rule: str) -> dict[str, Any]:
    pattern: dict[str, Any] = template.only("AWS::Events::Rule", rule)["EventPattern"]
    return pattern


def test_rules_watch_the_serving_stack_and_the_registry(assembly: Assembly) -> None:
    template = assembly.template("Prod/Training")
    assert _pattern(template, "Updated") == {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {
            "stack-id": [
                {"prefix": "arn:aws:cloudformation:ap-southeast-3:333333333333:stack/Prod-Serving/"}
            ],
            "status-details": {
                "status": [
                    "UPDATE_COMPLETE",
                    "UPDATE_FAILED",
                    "UPDATE_ROLLBACK_COMPLETE",
                    "UPDATE_ROLLBACK_FAILED",
                ]
            },
        },
    }
    group = template.only("AWS::SageMaker::ModelPackageGroup")["ModelPackageGroupName"]
    assert _pattern(template, "Approved")["detail"] == {
        "ModelPackageGroupName": [group],
        "ModelApprovalStatus": ["Approved"],
    }


def test_group_that_outlived_its_stack_is_not_in_the_way_of_the_next(assembly: Assembly) -> None:
    template = assembly.template("Prod/Training")
    name = template.only("AWS::SageMaker::ModelPackageGroup")["ModelPackageGroupName"]
    start, unique, end = name["Fn::Join"][1]
    assert (start, end) == ("prod-training-", "-mistral-7b-instruct")
    assert {"Ref": "AWS::StackId"} in unique["Fn::Select"][1]["Fn::Split"][1]["Fn::Select"][1][
        "Fn::Split"
    ]


def test_release_that_was_never_answered_raises_an_alarm(training: Template) -> None:
    alarm = training.only("AWS::CloudWatch::Alarm")
    (failed,) = (key for key in training.resources("AWS::SQS::Queue") if "Failed" in key)
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [failed, "QueueName"]}}
    ]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (
        1,
        "GreaterThanOrEqualToThreshold",
    )


def test_rules_and_function_share_the_queue(training: Template) -> None:
    (queue_id,) = (key for key in training.resources("AWS::SQS::Queue") if "Queue" in key)
    queue_arn = {"Fn::GetAtt": [queue_id, "Arn"]}
    for rule in training.resources("AWS::Events::Rule").values():
        assert [target["Arn"] for target in rule["Properties"]["Targets"]] == [queue_arn]
    mapping = training.only("AWS::Lambda::EventSourceMapping")
    assert mapping["EventSourceArn"] == queue_arn
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (
        1,
        ["ReportBatchItemFailures"],
    )


def test_function_gives_up_before_the_queue_does(training: Template) -> None:
    queue = training.only("AWS::SQS::Queue", "ReleaseQueue")
    function = training.only("AWS::Lambda::Function", "Release")
    attempts = int(function["Environment"]["Variables"]["ATTEMPTS"])
    assert attempts < queue["RedrivePolicy"]["maxReceiveCount"]
    assert function["Timeout"] < queue["VisibilityTimeout"]
    three_hours = 3 * 3600  # what an endpoint's update may take
    assert attempts * queue["VisibilityTimeout"] >= three_hours
    assert queue.get("MessageRetentionPeriod", 345_600) > 2 * three_hours


@pytest.mark.parametrize(("environment", "reserved"), [("Dev", None), ("Prod", 2)])
def test_function_reserves_as_many_executions_as_it_takes_messages_at_once(
    assembly: Assembly, environment: str, reserved: int | None
) -> None:
    template = assembly.template(f"{environment}/Training")
    function = template.only("AWS::Lambda::Function", "Release")
    assert function.get("ReservedConcurrentExecutions") == reserved
    mapping = template.only("AWS::Lambda::EventSourceMapping")
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_function_releases_to_the_serving_stack(assembly: Assembly) -> None:
    function = assembly.template("Prod/Training").only("AWS::Lambda::Function", "Release")
    assert function["Handler"] == "model_release.handler.handle"
    assert function["Environment"]["Variables"]["SERVING_STACK"] == "Prod-Serving"


def test_store_may_take_as_long_as_its_step(training: Template) -> None:
    function = training.only("AWS::Lambda::Function", "Store")
    assert function["Handler"] == "model_release.store.handle"
    assert function["Timeout"] == 600
    (bucket,) = (key for key in training.resources(_BUCKET) if "Artifacts" in key)
    assert function["Environment"]["Variables"]["BUCKET"] == {"Ref": bucket}


def test_outputs_say_where_to_begin(training: Template) -> None:
    assert training.body["Outputs"].keys() >= {
        "PipelineName",
        "ModelPackageGroupName",
        "DataBucketName",
        "ArtifactBucketName",
    }


def test_zip_of_the_job_scripts_is_a_program(assembly: Assembly) -> None:
    (folder,) = (path.parent for path in assembly.folder.glob("asset.*/prepare.py"))
    assert (folder / "__main__.py").read_text() == (ROOT / "jobs" / "__main__.py").read_text()
    assert (folder / "tuning" / "output" / "licenses" / "apache-2.0.txt").is_file()
    assert not [p for p in folder.rglob("*") if p.name.startswith(("__pycache__", "req", "."))]
