"""The endpoint's stack: model, config, endpoint and scaling."""

import dataclasses
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as CdkTemplate

from invoke_proxy.http.logs import NAMESPACE
from sagemaker_llm import (
    CatalogEntry,
    GuardedUpdates,
    LlmEndpoint,
    TargetTracking,
    UpdateStrategy,
    find_model,
)
from stacks import environments
from stacks.stage import LlmStage
from tests.infrastructure.assembly import Assembly, Template

_SAGEMAKER = "arn:aws:sagemaker:eu-west-1:111111111111"
# The targets that follow from a declared load.
_DECLARED = {"Dev": 15.2, "Staging": 15.2, "Prod": 17.6}
_MISTRAL = find_model("mistral-7b")
_MODEL = "AWS::SageMaker::Model"
_CONFIG = "AWS::SageMaker::EndpointConfig"
_ENDPOINT = "AWS::SageMaker::Endpoint"


def _variant(template: Template) -> dict[str, object]:
    (variant,) = template.only(_CONFIG)["ProductionVariants"]
    return dict(variant)


def _base(template: Template) -> dict[str, Any]:
    """Return the container that is served while no package is released."""
    condition, base, _ = template.only(_MODEL)["PrimaryContainer"]["Fn::If"]
    assert template.body["Conditions"][condition] == {
        "Fn::Equals": [{"Ref": "ModelPackageArn"}, ""]
    }
    return dict(base)


def test_model_is_weights_of_jumpstart_under_network_isolation(assembly: Assembly) -> None:
    template = assembly.template("Prod/Serving")
    assert template.only(_MODEL)["EnableNetworkIsolation"] is True
    assert _base(template)["Image"] == (
        "907027046896.dkr.ecr.ap-southeast-3.amazonaws.com/huggingface-pytorch-tgi-inference"
        ":2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
    )
    assert _base(template)["Environment"]["HF_MODEL_ID"] == "/opt/ml/model"
    assert _base(template)["ModelDataSource"]["S3DataSource"] == {
        "CompressionType": "None",
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://jumpstart-cache-prod-ap-southeast-3/huggingface-llm/"
        "huggingface-llm-mistral-7b-instruct/artifacts/inference-prepack/v1.0.0/",
    }


def test_local_model_is_the_one_in_the_embedded_container(assembly: Assembly) -> None:
    template = assembly.template("Local/Serving")
    assert "ModelDataSource" not in _base(template)
    assert _base(template)["Environment"] == {
        "HF_MODEL_ID": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "HF_TASK": "text-generation",
        "LOG_LEVEL": "info,text_generation_router::server=warn",
        "MAX_BATCH_PREFILL_TOKENS": "2048",
        "MAX_CONCURRENT_REQUESTS": "128",
        "MAX_INPUT_LENGTH": "1024",
        "MAX_TOTAL_TOKENS": "2048",
        "SM_NUM_GPUS": "1",
    }


def test_every_environment_runs_its_model_in_network_isolation(serving: Template) -> None:
    assert serving.only(_MODEL)["EnableNetworkIsolation"] is True


def test_scaling_is_refused_when_the_model_would_never_reach_its_target() -> None:
    prod = environments.prod(account=None, region=None)
    scaling = dataclasses.replace(prod.scaling, target_concurrent_requests=25)
    with pytest.raises(ValueError, match=r"must be below the max_concurrent_requests .* 25"):
        LlmStage(
            cdk.App(), "Prod", environment=dataclasses.replace(prod, scaling=scaling, sizing=None)
        )


def test_released_package_is_served_instead_of_the_base_weights(serving: Template) -> None:
    # Releases set the parameter by its name, and deployments keep its value: both are contracts.
    parameter = serving.body["Parameters"]["ModelPackageArn"]
    assert (parameter["Type"], parameter["Default"]) == ("String", "")
    package = serving.only(_MODEL)["PrimaryContainer"]["Fn::If"][2]
    assert package["ModelPackageName"] == {"Ref": "ModelPackageArn"}


def test_released_package_runs_with_the_catalogs_environment(serving: Template) -> None:
    # The proxy counts on these limits, whatever the package was registered with.
    _, base, package = serving.only(_MODEL)["PrimaryContainer"]["Fn::If"]
    # llama.cpp's image finds the file in the folder where SageMaker puts a package's data.
    place = {} if serving.stack.startswith("Cpu") else {"HF_MODEL_ID": "/opt/ml/model"}
    assert package["Environment"] == {**base["Environment"], **place}


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("", True),
        (f"{_SAGEMAKER}:model-package/prod-training-0a1b2c3d-mistral-7b-instruct/3", True),
        (f"{_SAGEMAKER}:model-package/prod-training-0a1b2c3d-mistral-7b/3", False),
        (f"{_SAGEMAKER}:model-package/prod-training-0a1b2c3d-mistrallite/3", False),
        (f"{_SAGEMAKER}:model/mistral-7b-instruct/3", False),
        ("latest", False),
    ],
)
def test_parameter_takes_nothing_but_a_package_of_the_catalogs_model(
    assembly: Assembly, value: str, *, fits: bool
) -> None:
    parameters = assembly.template("Prod/Serving").body["Parameters"]
    pattern = parameters["ModelPackageArn"]["AllowedPattern"]
    assert bool(re.match(pattern, value)) is fits


def test_image_is_looked_up_by_region_when_the_region_is_open(assembly: Assembly) -> None:
    template = assembly.template("Dev/Serving")
    (name,) = template.body["Mappings"]
    image = _base(template)["Image"]
    assert template.body["Mappings"][name]["ap-southeast-3"] == {"Account": "907027046896"}
    assert image["Fn::Join"][1] == [
        {"Fn::FindInMap": [name, {"Ref": "AWS::Region"}, "Account"]},
        ".dkr.ecr.",
        {"Ref": "AWS::Region"},
        ".",
        {"Ref": "AWS::URLSuffix"},
        "/huggingface-pytorch-tgi-inference:2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04",
    ]


def test_no_key_is_given_for_disks_that_the_instances_encrypt_themselves(
    serving: Template,
) -> None:
    # The CPU's instances have volumes that are attached: tests/infrastructure/test_volume_key.py.
    is_attached = serving.stack.startswith("Cpu")
    assert ("KmsKeyId" in serving.only(_CONFIG)) is is_attached
    assert bool(serving.resources("AWS::KMS::Key")) is is_attached


@pytest.mark.parametrize(
    ("stack", "startup", "download"), [("Local", 600, None), ("Dev", 600, 1200)]
)
def test_timeouts_fit_where_the_weights_come_from(
    assembly: Assembly, stack: str, startup: int, download: int | None
) -> None:
    variant = _variant(assembly.template(f"{stack}/Serving"))
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == startup
    assert variant.get("ModelDataDownloadTimeoutInSeconds") == download


def test_requests_go_to_the_least_busy_instance(serving: Template) -> None:
    variant = _variant(serving)
    assert variant["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}


def test_endpoint_is_the_same_one_for_ever(serving: Template) -> None:
    # Another logical id would delete the endpoint that clients use, and make a new one.
    assert list(serving.resources(_ENDPOINT)) == ["LlmEndpoint0550A83E"]
    # A changed name would too; a changed config is taken over in place.
    endpoint = serving.only(_ENDPOINT)
    assert endpoint.keys() == {
        "DeploymentConfig",
        "EndpointName",
        "EndpointConfigName",
        "RetainAllVariantProperties",
    }
    start, stack_part = endpoint["EndpointName"]["Fn::Join"][1]
    assert re.fullmatch(r"(local|dev|cpu|staging|prod)serving-llm-[0-9a-f]{8}-", start)
    uuid = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert stack_part == {"Fn::Select": [0, {"Fn::Split": ["-", uuid]}]}
    config_id, attribute = serving.only(_ENDPOINT)["EndpointConfigName"]["Fn::GetAtt"]
    assert (serving.body["Resources"][config_id]["Type"], attribute) == (
        _CONFIG,
        "EndpointConfigName",
    )


def test_updates_keep_the_scaled_instance_count(serving: Template) -> None:
    assert serving.only(_ENDPOINT)["RetainAllVariantProperties"] is True


@pytest.mark.parametrize(("stack", "baking"), [("Local", 1), ("Dev", 480), ("Staging", 480)])
def test_one_instance_is_updated_all_at_once_and_its_old_fleet_kept_for_a_while(
    assembly: Assembly, stack: str, baking: int
) -> None:
    config = assembly.template(f"{stack}/Serving").only(_ENDPOINT)["DeploymentConfig"]
    assert config.keys() == {"AutoRollbackConfiguration", "BlueGreenUpdatePolicy"}
    assert config["BlueGreenUpdatePolicy"] == {
        "MaximumExecutionTimeoutInSeconds": 10_800,
        "TerminationWaitInSeconds": baking,
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
    }


def test_two_instances_and_more_are_updated_in_batches(assembly: Assembly) -> None:
    config = assembly.template("Prod/Serving").only(_ENDPOINT)["DeploymentConfig"]
    assert config.keys() == {"AutoRollbackConfiguration", "RollingUpdatePolicy"}
    batch = {"Type": "INSTANCE_COUNT", "Value": 1}
    assert config["RollingUpdatePolicy"] == {
        "MaximumBatchSize": batch,
        "MaximumExecutionTimeoutInSeconds": 10_800,
        "RollbackMaximumBatchSize": batch,
        "WaitIntervalInSeconds": 480,
    }


def test_canary_takes_its_step_and_keeps_the_old_fleet() -> None:
    stack = cdk.Stack()
    LlmEndpoint(
        stack,
        "Llm",
        model=find_model("mistral-7b"),
        scaling=TargetTracking(min_instances=2, max_instances=2, initial_instances=2),
        updates=GuardedUpdates(strategy=UpdateStrategy.CANARY, baking_seconds=120),
    )
    (endpoint,) = CdkTemplate.from_stack(stack).find_resources(_ENDPOINT).values()
    policy = endpoint["Properties"]["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TerminationWaitInSeconds"] == 120
    assert policy["TrafficRoutingConfiguration"] == {
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "Type": "CANARY",
        "WaitIntervalInSeconds": 120,
    }


def _digest(
    model: CatalogEntry = _MISTRAL, commit: str = "1", bytes_of_name: int = 0, **changed: Any
) -> str:
    """The digest of an endpoint of mistral-7b with these changes."""
    stack = cdk.Stack()
    cdk.Tags.of(stack).add("commit", commit)
    endpoint = LlmEndpoint(stack, "Llm", model=model, **changed)
    if bytes_of_name:
        endpoint.cfn_config.endpoint_config_name = bytes_of_name * "n"
    conditions = CdkTemplate.from_stack(stack).to_json()["Conditions"]
    (digest,) = (c["Fn::Equals"][1] for name, c in conditions.items() if "Unguarded" in name)
    assert re.fullmatch(r"[0-9a-f]{16}", digest)
    return str(digest)


def test_an_endpoint_has_another_digest_when_an_update_of_it_would_be_watched() -> None:
    changed: tuple[dict[str, Any], ...] = (
        {},
        {"model": _MISTRAL.admitting(9)},
        {"instance_type": "ml.g5.4xlarge"},
        {"scaling": TargetTracking(initial_instances=2, max_instances=2)},
        {"updates": GuardedUpdates(baking_seconds=120)},
        {"bytes_of_name": 9},  # by the app, after the construct has made it
    )
    assert len({_digest(**each) for each in changed}) == len(changed)
    # Neither of these updates the endpoint: it must not lose or get its alarms by them alone.
    same: tuple[dict[str, Any], ...] = (
        {},
        {"commit": "2"},
        {"scaling": TargetTracking(max_instances=2)},
    )
    assert len({_digest(**each) for each in same}) == 1


def test_alarms_on_what_callers_see_undo_an_update(serving: Template) -> None:
    alarms = serving.resources("AWS::CloudWatch::Alarm")
    rollback = serving.only(_ENDPOINT)["DeploymentConfig"]["AutoRollbackConfiguration"]
    condition, unguarded, guarded = rollback["Fn::If"]
    digest = serving.body["Outputs"]["EndpointDigest"]["Value"]
    asked = {"Fn::Equals": [{"Ref": "Unguarded"}, digest]}
    assert serving.body["Conditions"][condition] == asked
    assert serving.body["Parameters"]["Unguarded"]["Default"] == ""
    assert unguarded == {"Ref": "AWS::NoValue"}
    assert [each["AlarmName"]["Ref"] for each in guarded["Alarms"]] == list(alarms)
    limits = {}
    for alarm in (each["Properties"] for each in alarms.values()):
        assert alarm["Namespace"] == NAMESPACE
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        # By the endpoint's name, not by a reference to the endpoint: that would be a cycle.
        (dimension,) = alarm["Dimensions"]
        assert dimension["Name"] == "endpoint"
        assert dimension["Value"] == serving.only(_ENDPOINT)["EndpointName"]
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        limits[alarm["MetricName"], statistic] = alarm["Threshold"]
    promised = serving.stack.split("/")[0] in _DECLARED
    slow = 10_000 if promised else 30_000
    assert limits == {("Faults", "Average"): 0.1, ("TimeToFirstToken", "p90"): slow}


def test_metrics_that_cost_are_chosen_and_not_defaulted(serving: Template) -> None:
    assert serving.only(_CONFIG)["MetricsConfig"] == {
        "EnableDetailedObservability": False,
        "EnableEnhancedMetrics": False,
    }


def test_no_resource_has_a_physical_name(serving: Template) -> None:
    named = {"ModelName", "EndpointName", "EndpointConfigName", "RoleName", "AliasName"}
    for kind in (_MODEL, _CONFIG, "AWS::IAM::Role"):
        assert not named & serving.only(kind).keys()


@pytest.mark.parametrize(
    ("stack", "least", "most"), [("Local", 1, 1), ("Dev", 1, 1), ("Staging", 1, 2), ("Prod", 2, 4)]
)
def test_instances_scale_between_the_environments_bounds(
    assembly: Assembly, stack: str, least: int, most: int
) -> None:
    template = assembly.template(f"{stack}/Serving")
    target = template.only("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (least, most)
    assert _variant(template)["InitialInstanceCount"] == least
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    assert target["ResourceId"]["Fn::Join"][1] == [
        "endpoint/",
        {"Fn::GetAtt": ["LlmEndpoint0550A83E", "EndpointName"]},
        "/variant/AllTraffic",
    ]


def test_raised_minimum_leaves_the_configuration_and_its_instances_as_they_are() -> None:
    model = find_model("mistral-7b-instruct")

    def synthesized(minimum: int) -> CdkTemplate:
        stack = cdk.Stack()
        scaling = TargetTracking(min_instances=minimum, max_instances=4)
        LlmEndpoint(stack, "Llm", model=model, scaling=scaling)
        return CdkTemplate.from_stack(stack)

    before, after = synthesized(1), synthesized(3)
    assert before.find_resources(_CONFIG) == after.find_resources(_CONFIG)
    assert before.find_resources(_ENDPOINT) == after.find_resources(_ENDPOINT)
    (target,) = after.find_resources("AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert target["Properties"]["MinCapacity"] == 3


def test_instance_type_that_is_deployed_stays_until_the_scaling_was_off(serving: Template) -> None:
    # `make instance-type` sets the parameters by their names: both are contracts.
    instance_type, scaling = (serving.body["Parameters"][n] for n in ("InstanceType", "Scaling"))
    declared = "ml.c7g.2xlarge" if serving.stack.startswith("Cpu") else "ml.g5.2xlarge"
    assert instance_type["Default"] == declared
    assert re.fullmatch(instance_type["AllowedPattern"], declared)
    for other in ("ml.g5.4xlarge", "ml.g5x2xlarge", ""):
        assert not re.fullmatch(instance_type["AllowedPattern"], other)
    assert "`make instance-type`" in instance_type["ConstraintDescription"]
    assert _variant(serving)["InstanceType"] == {"Ref": "InstanceType"}
    assert (scaling["Default"], scaling["AllowedValues"]) == ("on", ["on", "off"])
    assert serving.body["Conditions"]["IsScaled"] == {"Fn::Equals": [{"Ref": "Scaling"}, "on"]}
    for kind in ("ScalableTarget", "ScalingPolicy"):
        (scaled,) = serving.resources(f"AWS::ApplicationAutoScaling::{kind}").values()
        assert scaled["Condition"] == "IsScaled"


def test_scaling_tracks_concurrent_requests_at_high_resolution(serving: Template) -> None:
    policy, environment = (
        serving.only("AWS::ApplicationAutoScaling::ScalingPolicy"),
        serving.stack.split("/")[0],
    )
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
        },
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
        "TargetValue": _DECLARED.get(environment, 1 if environment == "Cpu" else 8),
    }


def test_prod_has_its_instances_before_the_morning_comes(assembly: Assembly) -> None:
    target = assembly.template("Prod/Serving").only("AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["MinCapacity"] == 2
    assert [
        (each["Schedule"], each["ScalableTargetAction"]) for each in target["ScheduledActions"]
    ] == [
        ("cron(10 7 * * ? *)", {"MinCapacity": 3}),
        ("cron(40 16 * * ? *)", {"MinCapacity": 2}),
    ]


def test_log_group_is_there_and_limited_before_sagemaker_would_make_it(
    assembly: Assembly,
) -> None:
    for environment, days in (("Local", 1), ("Dev", 7), ("Staging", 30), ("Prod", 365)):
        template = assembly.template(f"{environment}/Serving")
        group = template.only("AWS::Logs::LogGroup")
        assert group["RetentionInDays"] == days
        name = template.only(_ENDPOINT)["EndpointName"]["Fn::Join"][1]
        start, *rest = group["LogGroupName"]["Fn::Join"][1]
        assert [start.removeprefix("/aws/sagemaker/Endpoints/"), *rest] == name
        assert start.startswith("/aws/sagemaker/Endpoints/")
        (endpoint,) = template.resources(_ENDPOINT).values()
        (group_id,) = template.resources("AWS::Logs::LogGroup")
        assert group_id in endpoint["DependsOn"]


def test_endpoint_name_is_an_output(serving: Template) -> None:
    assert serving.body["Outputs"]["EndpointName"]["Value"] == {
        "Fn::GetAtt": ["LlmEndpoint0550A83E", "EndpointName"]
    }
