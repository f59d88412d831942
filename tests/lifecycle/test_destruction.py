"""What a stage that keeps its data leaves behind: models that are still served, then nothing."""

from embedded_aws.model_server import packaged
from embedded_aws.tests.account import TGI_IMAGE
from operate.account.cleanup import cleanup
from operate.account.leftovers import leftovers
from operate.environment import Environment
from tests.embedded import served
from tests.embedded.conftest import LocalStage
from tests.embedded.inventory import inventory
from tests.lifecycle.stage import cdk, destroy, generates

_APP = ("--app", "python tests/lifecycle/keeping_app.py", "-c", "environments=local")
_BOOTSTRAP = """
from operate.laptop import stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli
with only_cli() as cli:
    stage.bootstrap(cli, local_environment())
"""
_JOBS = "/aws/sagemaker/TrainingJobs"


def test_models_are_served_after_training_is_gone_and_a_cleanup_leaves_nothing_billed(
    aws: LocalStage,
) -> None:
    aws.start()
    bootstrapped = aws.try_run("-c", _BOOTSTRAP)
    assert bootstrapped.returncode == 0, bootstrapped.stdout + bootstrapped.stderr
    _deploy(aws, "Local/*")
    package = _register(aws)

    destroy(aws, "Local/Training")
    # Approved now, when no function releases it.
    approval = {"ModelPackageArn": package, "ModelApprovalStatus": "Approved"}
    aws.client("sagemaker").update_model_package(**approval)
    _deploy(aws, "Local/Serving", "--parameters", f"Local-Serving:ModelPackageArn={package}")
    assert served.container(aws).get("ModelPackageName") == package
    assert generates(aws.deployment())

    destroy(aws, "Local/Api", "Local/Serving")
    aws.client("logs").create_log_group(logGroupName=_JOBS)  # as SageMaker does for a first job
    local = Environment("local", aws.client)
    kept = {one.resource_type for one in leftovers(local)}
    assert kept >= {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup"}
    assert "AWS::SageMaker::ModelPackageGroup" in kept
    # "type local to delete …", then "type account to delete …".
    cleanup(local, lambda question: question.split()[1])
    assert {kind for kind, found in inventory(aws).items() if found} <= {"roles"}
    assert aws.client("logs").describe_log_groups()["logGroups"] == []


def _deploy(aws: LocalStage, *arguments: str) -> None:
    deployed = cdk(aws, "deploy", *arguments, "--exclusively", "--require-approval", "never", *_APP)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr


def _register(aws: LocalStage) -> str:
    """Register a model that lies where the store puts models; nobody approves it yet."""
    stack = aws.client("cloudformation").describe_stacks(StackName="Local-Training")["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    bucket, file = outputs["ArtifactBucketName"], packaged.weights()
    aws.client("s3").upload_file(str(file), bucket, f"models/kept/{file.name}")
    source = {"S3DataType": "S3Prefix", "CompressionType": "None"}
    location = {"S3DataSource": {**source, "S3Uri": f"s3://{bucket}/models/kept/"}}
    made = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=outputs["ModelPackageGroupName"],
        InferenceSpecification={
            "Containers": [{"Image": TGI_IMAGE, "ModelDataSource": location}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelApprovalStatus="PendingManualApproval",
    )
    return str(made["ModelPackageArn"])
