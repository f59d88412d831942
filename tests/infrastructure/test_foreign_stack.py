"""The library in one stack of a stranger's: nothing assumes that it is the only one there."""

import dataclasses
from typing import Any

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
import aws_cdk.aws_iam as iam
import pytest
from aws_cdk.assertions import Template

from sagemaker_llm import FineTuning, InvokeApi, LlmEndpoint, Tgi, find_model

_MODELS = {"Base": "mistral-7b", "Chat": "mistral-7b-instruct"}


def _alarm(scope: cdk.Stack, name: str, metric: cloudwatch.Metric) -> None:
    metric.create_alarm(scope, name, threshold=1, evaluation_periods=1)


@pytest.fixture(scope="module")
def stack(built_functions: None) -> cdk.Stack:  # noqa: ARG001 - the constructs package them
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Foreign")
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for name, model_id in _MODELS.items():
        endpoint = LlmEndpoint(stack, f"{name}Endpoint", model=find_model(model_id))
        api = InvokeApi(stack, f"{name}Api", endpoint=endpoint)
        endpoint.grant_invoke(caller)
        _alarm(stack, f"{name}Failing", endpoint.metric_server_errors())
        _alarm(stack, f"{name}Refusing", api.metric_client_errors())
    _tune(stack, "Tuning", endpoint)
    return stack


def _tune(scope: cdk.Stack, name: str, endpoint: LlmEndpoint) -> FineTuning:
    return FineTuning(scope, name, endpoint=endpoint, data_removal_policy=cdk.RemovalPolicy.RETAIN)


@pytest.fixture(scope="module")
def template(stack: cdk.Stack) -> Template:
    return Template.from_stack(stack)


def _properties(template: Template, resource_type: str) -> list[dict[str, Any]]:
    found = template.find_resources(resource_type).values()
    return [resource["Properties"] for resource in found]


def _models(template: Template) -> dict[str, dict[str, Any]]:
    found = template.find_resources("AWS::SageMaker::Model")
    return {name: resource["Properties"] for name, resource in found.items()}


def test_constructs_leave_nothing_in_their_callers_scope(stack: cdk.Stack) -> None:
    kinds = ("Endpoint", "Api", "Failing", "Refusing")
    given = {f"{name}{kind}" for name in _MODELS for kind in kinds} | {"Caller", "Tuning"}
    of_the_cdk = {"BootstrapVersion", "CheckBootstrapVersion"}
    children = {child.node.id for child in stack.node.children}
    assert children - of_the_cdk == given


def test_each_endpoint_has_its_own_name_and_released_model(template: Template) -> None:
    names = [
        str(each["EndpointName"]) for each in _properties(template, "AWS::SageMaker::Endpoint")
    ]
    assert len(set(names)) == 2
    chosen = {
        str(model["PrimaryContainer"]["Fn::If"][2]["ModelPackageName"])
        for model in _models(template).values()
    }
    assert len(chosen) == 2


def test_release_sets_the_parameters_of_its_own_endpoint(template: Template) -> None:
    functions = _properties(template, "AWS::Lambda::Function")
    variables = [each.get("Environment", {}).get("Variables", {}) for each in functions]
    (release,) = (each for each in variables if "PARAMETER" in each)
    parameter, unguarded = release["PARAMETER"], release["UNGUARDED"]
    assert parameter.startswith("ChatEndpoint")
    assert unguarded.startswith("ChatEndpoint")
    compared = [each["Fn::Equals"][0] for each in template.to_json()["Conditions"].values()]
    assert {"Ref": unguarded} in compared
    (chat,) = (
        model["PrimaryContainer"]["Fn::If"][2]["ModelPackageName"]
        for name, model in _models(template).items()
        if name.startswith("ChatEndpoint")
    )
    assert chat == {"Ref": parameter}


def test_second_release_to_a_stack_is_refused(built_functions: None) -> None:  # noqa: ARG001 - likewise
    app = cdk.App(analytics_reporting=False)
    serving, training = cdk.Stack(app, "Serving"), cdk.Stack(app, "Training")
    first, second = (
        LlmEndpoint(serving, name, model=find_model("mistral-7b")) for name in ("First", "Second")
    )
    _tune(training, "FirstTuning", first)
    with pytest.raises(ValueError, match="stack Serving must have one release only: put an"):
        _tune(training, "SecondTuning", second)


def test_fine_tunings_of_a_stack_have_names_of_their_own(built_functions: None) -> None:  # noqa: ARG001 - likewise
    app = cdk.App(analytics_reporting=False)
    training = cdk.Stack(app, "Training")
    for name in ("First", "Second"):
        serving = cdk.Stack(app, f"{name}Serving")
        endpoint = LlmEndpoint(serving, "Llm", model=find_model("mistral-7b"))
        _tune(training, name, endpoint)
    template = Template.from_stack(training)
    for resource_type, name in (
        ("AWS::SageMaker::Pipeline", "PipelineName"),
        ("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName"),
    ):
        names = {str(each[name]) for each in _properties(template, resource_type)}
        assert len(names) == 2


def test_grant_is_of_the_one_endpoint_and_both_ways_to_invoke_it(template: Template) -> None:
    caller = next(
        each for each in _properties(template, "AWS::IAM::Policy") if "Caller" in str(each["Roles"])
    )
    statements = caller["PolicyDocument"]["Statement"]
    for statement in statements:
        assert statement["Action"] == [
            "sagemaker:InvokeEndpoint",
            "sagemaker:InvokeEndpointWithResponseStream",
        ]
    assert {str(statement["Resource"]) for statement in statements} == {
        str({"Ref": name}) for name in template.find_resources("AWS::SageMaker::Endpoint")
    }


def test_metrics_are_of_the_one_endpoint(template: Template) -> None:
    alarms = [
        {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        for alarm in _properties(template, "AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == "Invocation5XXErrors"
    ]
    assert {each["VariantName"] for each in alarms} == {"AllTraffic"}
    assert len({str(each["EndpointName"]) for each in alarms}) == 2


def test_endpoint_is_refused_on_an_instance_without_enough_gpus() -> None:
    stack = cdk.Stack()
    split = dataclasses.replace(find_model("mistral-7b"), server=Tgi(num_gpus=4))
    with pytest.raises(ValueError, match="must have the 4 GPUs that mistral-7b is split over"):
        LlmEndpoint(stack, "Llm", model=split)


def test_endpoint_is_refused_in_a_region_without_the_image() -> None:
    elsewhere = cdk.Environment(account="123456789012", region="eu-west-9")
    stack = cdk.Stack(cdk.App(), "Elsewhere", env=elsewhere)
    with pytest.raises(
        ValueError,
        match="region must be one that AWS keeps the image huggingface-pytorch-tgi-inference in",
    ):
        LlmEndpoint(stack, "Llm", model=find_model("mistral-7b"))
