"""The execution policy and the boundary of each stage, judged by ministack's evaluator of IAM."""

from typing import Any

import pytest

from bootstrap import boundary, execution, handlers
from bootstrap.stage import Stage
from sagemaker_llm import LLAMA_CPP, TGI, VLLM
from tests.infrastructure import execution_policy
from tests.infrastructure.assembly import ENVIRONMENTS, Assembly
from tests.infrastructure.deployment_calls import ACCOUNT, PLACE, Call, calls
from tests.infrastructure.execution_policy import filled_in, is_allowed, refused

_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{{0}}Boundary"


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def stage(request: pytest.FixtureRequest, assembly: Assembly) -> Stage:
    return Stage(request.param, assembly.stacks(request.param))


@pytest.fixture(scope="module")
def policies(stage: Stage) -> dict[str, list[Any]]:
    return execution_policy.policies(stage)


@pytest.fixture(scope="module")
def execution_statements(stage: Stage) -> list[Any]:
    return execution_policy.execution_statements(stage)


@pytest.fixture(scope="module")
def made(stage: Stage) -> list[Call]:
    """The calls that CloudFormation makes for the stage."""
    return list(calls(stage))


def test_every_call_of_cloudformation_is_allowed(
    made: list[Call], execution_statements: list[Any]
) -> None:
    assert refused(made, execution_statements) == set()


def test_an_endpoint_may_pull_the_image_of_whatever_server_ran_before(stage: Stage) -> None:
    (pulled,) = (
        statement["Resource"]
        for statement in boundary.statements(stage)
        if "ecr:BatchGetImage" in statement["Action"]
    )
    images = [TGI.image_for("ml.g5.xlarge"), VLLM.image_for("ml.g6.xlarge")]
    images += [LLAMA_CPP.image_for(each) for each in ("ml.c7i.4xlarge", "ml.c7g.4xlarge")]
    registry = "arn:${AWS::Partition}:ecr:${AWS::Region}:*:repository/"
    assert {f"{registry}{image.repository}" for image in images} <= {*pulled}


def test_no_statement_can_go(made: list[Call], execution_statements: list[Any]) -> None:
    """But for the version of the bootstrap, which no handler of a type asks for."""
    for removed in execution_statements:
        if "cdk-bootstrap" in str(removed["Resource"]):
            continue
        rest = [statement for statement in execution_statements if statement is not removed]
        allowed_by_it = [call for call in made if call.action in removed["Action"]]
        assert refused(allowed_by_it, rest), f"it deploys without {removed}"


def test_no_action_is_allowed_that_no_resource_is_deployed_with(
    made: list[Call], execution_statements: list[Any]
) -> None:
    allowed = {action for statement in execution_statements for action in statement["Action"]}
    assert allowed == {call.action for call in made}


def test_only_actions_without_resources_are_allowed_everywhere(
    execution_statements: list[Any],
) -> None:
    for statement in execution_statements:
        if "*" in statement["Resource"]:
            narrowable = {a for a in statement["Action"] if execution.reference_kinds(a)}
            # Its kind is a dataset, which is not what a metric of SageMaker's lies in.
            assert narrowable <= {"cloudwatch:GetMetricData"}


@pytest.mark.parametrize(
    ("action", "resource", "limit"),
    [
        ("iam:CreateRole", "role/{0}-Api-New", None),
        ("iam:CreateRole", "role/{0}-Api-New", _ADMINISTRATOR),
        ("iam:CreateRole", "role/Admin", _BOUNDARY),
        ("iam:PutRolePolicy", "role/{0}-Api-Unbounded", None),
        ("iam:AttachRolePolicy", "role/{0}-Api-Unbounded", None),
        ("iam:DeleteRolePermissionsBoundary", "role/{0}-Api-Role", _BOUNDARY),
        ("iam:PutRolePermissionsBoundary", "role/{0}-Api-Role", _ADMINISTRATOR),
        ("iam:CreatePolicyVersion", "policy/{0}Boundary", None),
        ("iam:DeletePolicy", "policy/{0}Boundary", None),
        ("iam:PassRole", "role/Admin", None),
        ("iam:CreateUser", "user/mallory", None),
        ("iam:CreateAccessKey", "user/mallory", None),
        ("sts:AssumeRole", "role/{0}-Api-Role", None),
    ],
)
def test_deployments_cannot_make_themselves_stronger(
    stage: Stage,
    execution_statements: list[Any],
    action: str,
    resource: str,
    limit: str | None,
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:{resource.format(stage.name)}"
    context = {"iam:passedtoservice": "lambda.amazonaws.com"}
    if limit:
        context["iam:permissionsboundary"] = limit.format(stage.name)
    assert not is_allowed(execution_statements, action, arn, context)


def test_roles_are_passed_to_the_services_that_run_them_only(
    stage: Stage, execution_statements: list[Any]
) -> None:
    passed = {
        service
        for service in ("apigateway", "cloudformation", "ec2", "ecs-tasks", "lambda", "sagemaker")
        if is_allowed(
            execution_statements,
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/{stage.name}-Api-Role",
            {"iam:passedtoservice": f"{service}.amazonaws.com"},
        )
    }
    assert passed == {"apigateway", "lambda", "sagemaker"}


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{PLACE}:function:Billing-Charge-8a7b6c"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{PLACE}:function:{{0}}-Api-Proxy-8a7b6c"),
        ("s3:GetObject", "arn:aws:s3:::{1}-training-storagedata-8a7b6c/data/train.jsonl"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::billing-invoices"),
        ("sagemaker:DeleteEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/fraud-detection"),
        ("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/{{1}}serving-llm-1f8d"),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:{PLACE}:{{0}}-Training-ReleaseQueue-8A7B6C"),
        ("kms:Decrypt", f"arn:aws:kms:{PLACE}:key/1f8d2c3e"),
        ("logs:GetLogEvents", f"arn:aws:logs:{PLACE}:log-group:{{0}}-Api-Logs-8A7B6C"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{PLACE}:secret:billing"),
        ("ec2:RunInstances", "*"),
        ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{PLACE}:stack/{{0}}-Api/1"),
    ],
)
def test_deployments_reach_nothing_else(
    stage: Stage, execution_statements: list[Any], action: str, arn: str
) -> None:
    assert not is_allowed(
        execution_statements, action, arn.format(stage.name, stage.name.lower()), {}
    )


def test_boundary_allows_what_the_roles_are_allowed_and_no_other_action(
    stage: Stage, policies: dict[str, list[Any]]
) -> None:
    granted = list(boundary.grants(stage))
    beyond = {
        (action, resource)
        for action, resources, passed_to in granted
        for resource in filled_in([{"Fn::Sub": each.replace("*", "x")} for each in resources])
        for context in [{"iam:passedtoservice": passed_to}]
        if not is_allowed(policies["Boundary"], action, resource, context)
    }
    assert {(action, resource) for action, resource in beyond if resource != "x"} == set()
    allowed = {action for statement in policies["Boundary"] for action in statement["Action"]}
    assert allowed == {action for action, _, _ in granted}


def test_every_resource_is_one_arn(policies: dict[str, list[Any]]) -> None:
    resources = {r for of in policies.values() for s in of for r in boundary.listed(s["Resource"])}
    assert {each for each in resources if each.count("arn:") > 1} == set()


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
        ("s3:GetObject", "arn:aws:s3:::billing-invoices/2026.csv"),
        ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{PLACE}:stack/Billing/1"),
        ("cloudformation:CreateStack", f"arn:aws:cloudformation:{PLACE}:stack/New/1"),
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{PLACE}:function:{{0}}-Api-Proxy"),
        ("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/fraud-detection"),
        ("sagemaker:DeleteEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/{{1}}serving-llm-1f8d"),
    ],
)
def test_no_role_can_pass_the_boundary(
    stage: Stage, policies: dict[str, list[Any]], action: str, arn: str
) -> None:
    context = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    assert not is_allowed(
        policies["Boundary"], action, arn.format(stage.name, stage.name.lower()), context
    )


def test_another_version_of_the_weights_needs_no_other_boundary(
    stage: Stage, policies: dict[str, list[Any]]
) -> None:
    """What serves the version before may start again until the update is over."""
    region = PLACE.partition(":")[0]
    weights = [f"arn:aws:s3:::jumpstart-cache-prod-{region}/another/version/model.safetensors"]
    if stage.name == "Cpu":
        weights.append("arn:aws:s3:::cpu-weights-weights8a7b6c/another/revision/model.gguf")
    reads = {"Local": False}.get(stage.name, True)
    assert all(is_allowed(policies["Boundary"], "s3:GetObject", w, {}) is reads for w in weights)


def test_what_the_schemas_ask_for_beyond_need_is_in_the_schemas() -> None:
    assert list(handlers.unknown_spared()) == []


def test_type_without_a_description_is_named() -> None:
    with pytest.raises(ValueError, match="got AWS::SageMaker::Nothing"):
        handlers.needed("AWS::SageMaker::Nothing", [])
