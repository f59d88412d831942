"""An endpoint with LoRA adapters: a base and its adapters as inference components."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from bootstrap.stage import Stage
from bootstrap.template import template as bootstrap_template
from sagemaker_llm import (
    Adapter,
    ApiSettings,
    Client,
    GuardedUpdates,
    TargetTracking,
    Vllm,
    find_model,
)
from stacks import environments
from stacks.api_stack import ApiStack
from stacks.environment import Environment
from stacks.serving_stack import ServingStack
from tests.infrastructure.cfn_lint import findings
from tests.infrastructure.deployment_calls import calls
from tests.infrastructure.execution_policy import execution_statements, refused
from tests.infrastructure.reviewed import check_reviewed

_STACKS = ("Serving", "Api")
_SUPPORT = Adapter(name="support", artifact="s3://tuned/support/2.tar.gz", rank=12)
_LEGAL = Adapter(name="legal", artifact="s3://tuned/legal/1.tar.gz", rank=64)
_BASE = "mistral-7b-instruct"

Json = dict[str, Any]


def environment(*adapters: Adapter) -> Environment:
    """Return an environment of two to four instances on vLLM, with nothing of Prod's load."""
    fleet = TargetTracking(min_instances=2, max_instances=4, initial_instances=2)
    model = find_model(_BASE).served_by(Vllm(adapters=adapters))
    prod = environments.prod(account="222222222222", region="eu-west-1")
    return dataclasses.replace(
        prod,
        model=model,
        sizing=None,
        scaling=fleet,
        updates=GuardedUpdates(),
        api=ApiSettings(clients=(Client(name="Demo"),)),
    )


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory, built_functions: None) -> Path:  # noqa: ARG001 - synth packages them
    """Synthesize the endpoint's stack and the API's, under the security rules."""
    folder = tmp_path_factory.mktemp("adapters")
    app = cdk.App(
        outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    boundary = cdk.PermissionsBoundary.from_name("LoraBoundary")
    stage = cdk.Stage(app, "Lora", permissions_boundary=boundary)
    declared = environment(_SUPPORT, _LEGAL)
    serving = ServingStack(stage, "Serving", environment=declared, weights_bucket=None)
    ApiStack(stage, "Api", environment=declared, published=serving.published)
    app.synth()
    return folder


@pytest.fixture(scope="module")
def templates(assembly: Path) -> dict[str, Json]:
    found = {}
    for stack in _STACKS:
        (path,) = assembly.glob(f"assembly-*/*{stack}*.template.json")
        found[stack] = json.loads(path.read_text())
    return found


def _only(template: Json, kind: str) -> Json:
    (found,) = _all(template, kind).values()
    return dict(found)


def _all(template: Json, kind: str) -> dict[str, Json]:
    resources = template["Resources"]
    return {name: r for name, r in resources.items() if r["Type"] == f"AWS::SageMaker::{kind}"}


def _text(value: object) -> str:
    return json.dumps(value)


@pytest.mark.parametrize("stack", _STACKS)
def test_template_is_as_its_golden_file(
    templates: dict[str, Json], stack: str, pytestconfig: pytest.Config
) -> None:
    check_reviewed("adapters", stack, templates[stack], pytestconfig)


def test_templates_pass_the_security_rules_and_cfn_lint(assembly: Path) -> None:
    reports = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports] == [[]] * len(reports)
    assert findings(assembly.glob("assembly-*/*.template.json")) == []


def test_the_configuration_has_no_model_and_isolates_what_components_bring(
    templates: dict[str, Json],
) -> None:
    config = _only(templates["Serving"], "EndpointConfig")["Properties"]
    (variant,) = config["ProductionVariants"]
    assert "ModelName" not in variant
    assert config["EnableNetworkIsolation"] is True
    assert "ExecutionRoleArn" in config
    assert variant["InitialInstanceCount"] == 2
    # A copy of a new model starts on a fifth instance, before one of the four old ones goes.
    assert variant["ManagedInstanceScaling"] == {
        "Status": "ENABLED",
        "MinInstanceCount": 2,
        "MaxInstanceCount": 5,
    }
    assert "EnableNetworkIsolation" not in _only(templates["Serving"], "Model")["Properties"]
    endpoint = _only(templates["Serving"], "Endpoint")["Properties"]
    assert endpoint.keys() == {"EndpointName", "EndpointConfigName"}


def test_the_copies_of_the_base_follow_the_requests(templates: dict[str, Json]) -> None:
    resources = templates["Serving"]["Resources"]
    by_type = {r["Type"]: (name, r) for name, r in resources.items()}
    target_id, target = by_type["AWS::ApplicationAutoScaling::ScalableTarget"]
    _, policy = by_type["AWS::ApplicationAutoScaling::ScalingPolicy"]
    (base_id,) = target["DependsOn"]
    properties = target["Properties"]
    base = _text(resources[base_id]["Properties"]["InferenceComponentName"])
    scaled = _text(properties["ResourceId"])
    assert scaled == base.replace(_BASE, f"inference-component/{_BASE}")
    assert properties["ScalableDimension"] == "sagemaker:inference-component:DesiredCopyCount"
    assert (properties["MinCapacity"], properties["MaxCapacity"]) == (2, 4)
    assert policy["Properties"]["ScalingTargetId"] == {"Ref": target_id}
    tracking = policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    }


def test_adapters_come_after_the_base_and_go_before_it(templates: dict[str, Json]) -> None:
    found = _all(templates["Serving"], "InferenceComponent")
    (base_id,) = (n for n, r in found.items() if "ModelName" in r["Properties"]["Specification"])
    base = found.pop(base_id)["Properties"]
    needs = base["Specification"]["ComputeResourceRequirements"]
    assert needs == {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 8192}
    assert base["RuntimeConfig"] == {"CopyCount": 4}  # Scaling takes away what is idle.
    rolling = base["DeploymentConfig"]["RollingUpdatePolicy"]
    assert rolling["MaximumBatchSize"] == {"Type": "COPY_COUNT", "Value": 1}
    condition, unguarded, guarded = base["DeploymentConfig"]["AutoRollbackConfiguration"]["Fn::If"]
    digest = templates["Serving"]["Outputs"]["EndpointDigest"]["Value"]
    asked = {"Fn::Equals": [{"Ref": "Unguarded"}, digest]}
    assert templates["Serving"]["Conditions"][condition] == asked
    assert unguarded == {"Ref": "AWS::NoValue"}
    assert len(guarded["Alarms"]) == 2
    for resource in found.values():
        assert resource["DependsOn"] == [base_id]
        specification = resource["Properties"]["Specification"]
        assert specification["BaseInferenceComponentName"] == base["InferenceComponentName"]
        assert specification.keys() == {"BaseInferenceComponentName", "Container"}
    artifacts = {
        r["Properties"]["Specification"]["Container"]["ArtifactUrl"] for r in found.values()
    }
    assert artifacts == {_SUPPORT.artifact, _LEGAL.artifact}


def test_the_container_is_told_of_adapters(templates: dict[str, Json]) -> None:
    _, base, _ = _only(templates["Serving"], "Model")["Properties"]["PrimaryContainer"]["Fn::If"]
    variables = base["Environment"]
    assert variables["SM_VLLM_ENABLE_LORA"] == "true"
    assert variables["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "true"
    assert variables["SM_VLLM_MAX_LORA_RANK"] == "64"
    assert variables["SM_VLLM_MAX_LORAS"] == variables["SM_VLLM_MAX_CPU_LORAS"] == "2"


def test_the_role_reads_the_archives_in_buckets_of_the_account_only(
    templates: dict[str, Json],
) -> None:
    resources = templates["Serving"]["Resources"].values()
    (role,) = (r["Properties"] for r in resources if r["Type"] == "AWS::IAM::Role")
    (of_models,) = (r["Properties"] for r in resources if r["Type"] == "AWS::IAM::Policy")
    statements = [
        *of_models["PolicyDocument"]["Statement"],
        *role["Policies"][0]["PolicyDocument"]["Statement"],
    ]
    (archives,) = (s for s in statements if "tuned/support" in _text(s))
    assert archives["Action"] == "s3:GetObject"
    assert [_text(each).count("tuned/") for each in archives["Resource"]] == [1, 1]
    assert archives["Condition"]["StringEquals"].keys() == {"aws:ResourceAccount"}
    assert "/aws/sagemaker/InferenceComponents" in _text(statements)
    assert "/aws/sagemaker/Endpoints" not in _text(statements)


def test_no_release_replaces_the_weights_that_adapters_were_tuned_from(
    templates: dict[str, Json],
) -> None:
    parameter = templates["Serving"]["Parameters"]["ModelPackageArn"]
    assert (parameter["Default"], parameter["AllowedPattern"]) == ("", "^$")
    assert "adapters were tuned from the base weights" in parameter["ConstraintDescription"]


def test_the_proxy_knows_and_may_invoke_each_component(templates: dict[str, Json]) -> None:
    resources = templates["Api"]["Resources"]
    named = [
        _text(variables["INFERENCE_COMPONENTS"])
        for r in resources.values()
        if "INFERENCE_COMPONENTS"
        in (variables := r["Properties"].get("Environment", {}).get("Variables", {}))
    ]
    assert len(named) == 1
    for model in (_BASE, "support", "legal"):
        assert f'\\"{model}\\":\\"{model}-' in named[0].replace('\\\\\\"', '\\"')
    invoking = [
        statement
        for r in resources.values()
        if r["Type"] == "AWS::IAM::Policy"
        for statement in r["Properties"]["PolicyDocument"]["Statement"]
        if "InvokeEndpoint" in _text(statement["Action"])
    ]
    (statement,) = invoking
    components = [r for r in statement["Resource"] if "inference-component/" in _text(r)]
    assert len(components) == 3
    assert len(statement["Resource"]) == 4


def test_deployments_may_make_components_and_pass_the_role_of_their_configuration(
    templates: dict[str, Json],
) -> None:
    stacks = {f"Lora-{name}": template for name, template in templates.items()}
    written = _text(bootstrap_template(Stage("Lora", stacks)))
    for action in ("Create", "Describe", "Update", "Delete"):
        assert f"sagemaker:{action}InferenceComponent" in written
    assert ":inference-component/" in written
    stage = Stage("Lora", stacks)
    assert refused(calls(stage), execution_statements(stage)) == set()


def test_another_adapter_changes_only_its_component_and_what_names_it() -> None:
    def resources(*adapters: Adapter) -> Json:
        stack = ServingStack(
            cdk.App(),
            "Serving",
            environment=environment(*adapters),
            weights_bucket=None,
        )
        return dict(Template.from_stack(stack).to_json()["Resources"])

    one, two = resources(_LEGAL), resources(_LEGAL, _SUPPORT)
    added = {two[name]["Type"] for name in two.keys() - one.keys()}
    removed = {one[name]["Type"] for name in one.keys() - two.keys()}
    # The role's archives; the policy before stays while the update lasts.
    assert added == {"AWS::SageMaker::InferenceComponent", "AWS::IAM::Policy"}
    assert removed == {"AWS::IAM::Policy"}
    kinds = {two[name]["Type"] for name in one.keys() & two.keys() if one[name] != two[name]}
    assert kinds == {"AWS::SageMaker::Model"}  # the container's variables
