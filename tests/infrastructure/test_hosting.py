"""The API's stack with each hosting of the proxy that is not the default."""

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
from sagemaker_llm import ManagedInstances, OnDemand
from stacks import environments
from stacks.api_stack import ApiStack
from stacks.serving_stack import ServingStack
from tests.infrastructure.cfn_lint import findings
from tests.infrastructure.deployment_calls import PLACE, calls
from tests.infrastructure.execution_policy import (
    execution_statements,
    is_allowed,
    policies,
    refused,
)
from tests.infrastructure.reviewed import check_reviewed

_HOSTINGS: dict[str, OnDemand | ManagedInstances] = {
    "Snap": OnDemand(snap_start=True),
    "Managed": ManagedInstances(max_environments=6),
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory, built_functions: None) -> Path:  # noqa: ARG001 - synth packages them
    """Synthesize Prod with each, under the security rules."""
    folder = tmp_path_factory.mktemp("hosting")
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    prod = environments.prod(account="222222222222", region="eu-west-1")
    for name, hosting in _HOSTINGS.items():
        boundary = cdk.PermissionsBoundary.from_name(f"{name}Boundary")
        stage = cdk.Stage(app, name, permissions_boundary=boundary)
        api = dataclasses.replace(prod.api, hosting=hosting)
        declared = dataclasses.replace(prod, api=api)
        serving = ServingStack(stage, "Serving", environment=declared, weights_bucket=None)
        ApiStack(stage, "Api", environment=declared, published=serving.published)
    app.synth()
    return folder


def _template(assembly: Path, name: str, stack: str = "Api") -> Json:
    (path,) = assembly.glob(f"assembly-{name}/*{stack}*.template.json")
    found: Json = json.loads(path.read_text())
    return found


def _only(template: Json, kind: str, beginning: str = "") -> Json:
    (found,) = (
        resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind and name.startswith(beginning)
    )
    return dict(found)


@pytest.mark.parametrize("name", _HOSTINGS)
def test_template_is_as_its_golden_file(
    assembly: Path, name: str, pytestconfig: pytest.Config
) -> None:
    check_reviewed(name, "Api", _template(assembly, name), pytestconfig)


def test_templates_pass_the_security_rules_and_cfn_lint(assembly: Path) -> None:
    reports = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports] == [[]] * len(reports)
    assert findings(assembly.glob("assembly-*/*Api*.template.json")) == []


@pytest.mark.parametrize("name", _HOSTINGS)
def test_the_api_calls_a_published_version(assembly: Path, name: str) -> None:
    template = _template(assembly, name)
    alias = _only(template, "AWS::Lambda::Alias")["Properties"]
    version = _only(template, "AWS::Lambda::Version")
    assert version["Properties"]["FunctionName"] == alias["FunctionName"]
    methods = [r for r in template["Resources"].values() if r["Type"] == "AWS::ApiGateway::Method"]
    uris = {json.dumps(method["Properties"]["Integration"]["Uri"]) for method in methods}
    assert len(uris) == 1
    assert "InvokeProxyLive" in uris.pop()


def test_snapshots_are_of_published_versions_and_the_adapter_tells_of_them(assembly: Path) -> None:
    function = _only(_template(assembly, "Snap"), "AWS::Lambda::Function", "InvokeProxy")
    assert function["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    variables = function["Properties"]["Environment"]["Variables"]
    hooks = {name: value for name, value in variables.items() if "SNAPSTART" in name}
    assert hooks == {
        "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/snapstart/checkpoint",
        "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/snapstart/restored",
    }
    # Release 1.1 of the adapter is the first that calls them; 1.0.1 was the 28th version.
    (layer,) = function["Properties"]["Layers"]
    assert int(layer["Fn::Join"][1][-1].rpartition(":")[2]) >= 30


def test_managed_environments_hold_many_streams_within_bounds(assembly: Path) -> None:
    template = _template(assembly, "Managed")
    function = _only(template, "AWS::Lambda::Function", "InvokeProxy")["Properties"]
    assert "ReservedConcurrentExecutions" not in function
    assert function["MemorySize"] == 2048
    config = function["CapacityProviderConfig"]["LambdaManagedInstancesCapacityProviderConfig"]
    assert config["PerExecutionEnvironmentMaxConcurrency"] == 64
    assert config["ExecutionEnvironmentMemoryGiBPerVCpu"] == 2
    scaling = _only(template, "AWS::Lambda::Version")["Properties"]["FunctionScalingConfig"]
    assert scaling == {"MinExecutionEnvironments": 3, "MaxExecutionEnvironments": 6}
    provider = _only(template, "AWS::Lambda::CapacityProvider")["Properties"]
    # Six of either version on instances of two CPUs, as an update has both.
    assert provider["CapacityProviderScalingConfig"]["MaxVCpuCount"] == 24
    assert len(provider["VpcConfig"]["SubnetIds"]) == 3


def test_no_instances_run_for_a_version_that_nobody_calls(assembly: Path) -> None:
    function = _only(_template(assembly, "Managed"), "AWS::Lambda::Function", "InvokeProxy")
    assert function["Properties"]["PublishToLatestPublished"] is False


def test_another_hosting_brings_another_function_where_lambda_refuses_to_change_it(
    assembly: Path,
) -> None:
    of_snap, of_managed = (_of_proxy(_template(assembly, name)) for name in ("Snap", "Managed"))
    for kind in ("Function", "Version", "Alias"):
        assert of_snap[f"AWS::Lambda::{kind}"] != of_managed[f"AWS::Lambda::{kind}"]
    waited = _only(_template(assembly, "Managed"), "Custom::VersionDraining")["Properties"]
    # The ARN: the first version of another function is another version.
    assert waited["Version"] == {"Ref": of_managed["AWS::Lambda::Version"]}


def _of_proxy(template: Json) -> dict[str, str]:
    """Return the logical ids of the proxy's resources, by their types."""
    found = template["Resources"].items()
    return {each["Type"]: name for name, each in found if name.startswith("InvokeProxy")}


def test_the_api_is_deployed_again_when_another_hosting_brings_another_function() -> None:
    ids = {_deployment(hosting) for hosting in (OnDemand(), ManagedInstances())}
    assert len(ids) == 2


def _deployment(hosting: OnDemand | ManagedInstances) -> str:
    """Return the logical id of Prod's deployment, which names what is deployed."""
    stage = cdk.Stage(cdk.App(analytics_reporting=False), "Prod")
    prod = environments.prod(account="222222222222", region="eu-west-1")
    declared = dataclasses.replace(prod, api=dataclasses.replace(prod.api, hosting=hosting))
    serving = ServingStack(stage, "Serving", environment=declared, weights_bucket=None)
    api = ApiStack(stage, "Api", environment=declared, published=serving.published)
    (deployment,) = Template.from_stack(api).find_resources("AWS::ApiGateway::Deployment")
    return deployment


def test_managed_instances_reach_the_services_that_they_call_and_nothing_else(
    assembly: Path,
) -> None:
    template = _template(assembly, "Managed")
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"}
    endpoints = [r for r in template["Resources"].values() if r["Type"] == "AWS::EC2::VPCEndpoint"]
    services = {each["Properties"]["ServiceName"]["Fn::Join"][1][-1] for each in endpoints}
    assert services == {".sagemaker.runtime", ".logs", ".xray"}
    for endpoint in endpoints:
        (statement,) = endpoint["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Condition"]["StringEquals"].keys() == {"aws:PrincipalAccount"}
    (egress,) = _only(template, "AWS::EC2::SecurityGroup", "InvokeProxyCapacityNetworkInstances")[
        "Properties"
    ]["SecurityGroupEgress"]
    assert (egress["CidrIp"], egress["FromPort"], egress["ToPort"]) == ("10.0.0.0/22", 443, 443)


def test_the_operator_starts_only_what_is_lambdas_within_the_stacks_network(assembly: Path) -> None:
    template = _template(assembly, "Managed")
    policy = _only(template, "AWS::IAM::Policy", "InvokeProxyCapacityOperator")["Properties"]
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
        text = json.dumps(statement["Resource"])
        if "ec2:CreateTags" in actions:
            operator = statement["Condition"]["StringEquals"]["ec2:ManagedResourceOperator"]
            assert operator == "scaler.lambda.amazonaws.com"
        elif "ec2:CreateNetworkInterface" in actions:
            assert text.count("SubnetId") == 3
            assert text.count("GroupId") == 1
            assert "*" not in text
        elif actions == ["ec2:RunInstances"]:
            assert statement["Condition"] == {"StringEquals": {"ec2:Owner": "amazon"}}


@pytest.mark.parametrize("name", _HOSTINGS)
def test_a_deployment_may_make_what_the_hosting_needs(assembly: Path, name: str) -> None:
    stacks = {f"{name}-{stack}": _template(assembly, name, stack) for stack in ("Serving", "Api")}
    text = json.dumps(bootstrap_template(Stage(name, stacks)))
    assert "lambda:PublishVersion" in text
    assert "lambda:UpdateAlias" in text
    assert ("lambda:CreateCapacityProvider" in text) == (name == "Managed")
    stage = Stage(name, stacks)
    assert refused(calls(stage), execution_statements(stage)) == set()
    limit = policies(stage)["Boundary"]
    for subnet in ("subnet/subnet-8a7b6c", "security-group/sg-8a7b6c"):
        arn = f"arn:aws:ec2:{PLACE}:{subnet}"
        assert is_allowed(limit, "ec2:RunInstances", arn, {}) == (name == "Managed")
