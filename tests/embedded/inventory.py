"""What a stage consists of, as the services list it."""

from typing import Any

from tests.embedded.conftest import LocalStage


def inventory(aws: LocalStage) -> dict[str, list[Any]]:
    """The resources by kind, without what the CDK's bootstrap made."""
    sagemaker, gateway = aws.client("sagemaker"), aws.client("apigateway")
    return {
        "endpoints": sagemaker.list_endpoints()["Endpoints"],
        "endpoint configs": sagemaker.list_endpoint_configs()["EndpointConfigs"],
        "models": sagemaker.list_models()["Models"],
        "pipelines": sagemaker.list_pipelines()["PipelineSummaries"],
        "groups": sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"],
        "APIs": gateway.get_rest_apis()["items"],
        "API keys": gateway.get_api_keys()["items"],
        "usage plans": gateway.get_usage_plans()["items"],
        "functions": aws.client("lambda").list_functions()["Functions"],
        "log groups": _log_groups(aws.client("logs")),
        "parameters": _parameters(aws.client("ssm")),
        "queues": aws.client("sqs").list_queues().get("QueueUrls", []),
        "rules": aws.client("events").list_rules()["Rules"],
        "targets": aws.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker"
        )["ScalableTargets"],
        "roles": _of_the_stage(aws.client("iam").list_roles()["Roles"], "RoleName"),
        "buckets": _of_the_stage(aws.client("s3").list_buckets()["Buckets"], "Name"),
        "keys": _enabled_keys(aws.client("kms")),
    }


def _of_the_stage(resources: list[dict[str, Any]], member: str) -> list[str]:
    """The names of those that the CDK's bootstrap did not make."""
    return [r[member] for r in resources if not r[member].startswith("cdk-")]


def _parameters(ssm: Any) -> list[str]:
    names = [each["Name"] for each in ssm.describe_parameters()["Parameters"]]
    return [name for name in names if not name.startswith("/cdk-bootstrap/")]


def _log_groups(logs: Any) -> list[str]:
    """Those of stacks: SageMaker makes its own itself, and keeps them, as on AWS."""
    names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    return [name for name in names if not name.startswith("/aws/sagemaker/")]


def _enabled_keys(kms: Any) -> list[str]:
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return [key["KeyId"] for key in keys if key["KeyState"] != "PendingDeletion"]
