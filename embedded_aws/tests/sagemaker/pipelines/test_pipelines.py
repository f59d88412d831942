"""SageMaker's pipelines, through its API: the engine runs what a definition says."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import BUCKET, Account, allow, read_write, s3_output, until

Json = dict[str, Any]

_PREPARE = """
import os, pathlib
path = pathlib.Path(os.environ["PROCESSING_ROOT"], "train", "n.txt")
path.write_text("7")
"""
_TRAIN = """
import json, os, pathlib
root = pathlib.Path(os.environ["TRAINING_ROOT"])
times = int(json.loads((root / "input/config/hyperparameters.json").read_text())["times"])
n = int((root / "input/data/train/n.txt").read_text())
(root / "model/n.txt").write_text(str(n * times))
print(f"loss={1 / times}")
"""
_EVALUATE = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["PROCESSING_ROOT"])
score = float((root / "model/n.txt").read_text())
report = {"metrics": {"score": {"value": score}, "loss": float(sys.argv[1])}}
(root / "evaluation/evaluation.json").write_text(json.dumps(report))
"""

_ALWAYS: Json = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


def get(reference: str) -> Json:
    return {"Get": reference}


def score() -> Json:
    report = get("Steps.Evaluate.PropertyFiles.Report")
    return {"Std:JsonGet": {"PropertyFile": report, "Path": "metrics.score.value"}}


def condition(name: str, *conditions: Json, then: list[Json], otherwise: list[Json]) -> Json:
    arguments = {"Conditions": list(conditions), "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def fail(name: str, message: Any = "no") -> Json:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def callback(name: str, queue: str, arguments: Json | None = None, **more: Any) -> Json:
    body = {"Name": name, "Type": "Callback", "SqsQueueUrl": queue, "Arguments": arguments or {}}
    return {**body, **more}


def run_output(path: str) -> Json:
    parts = [f"s3://{BUCKET}", "runs", get("Execution.PipelineExecutionId"), path]
    return {"Std:Join": {"On": "/", "Values": parts}}


@pytest.fixture
def fine_tuning(account: Account) -> tuple[list[Json], list[Json], str]:
    """Steps and parameters of a whole pipeline, and its model package group."""
    role, group = account.role(*read_write("")), account.name("Group")
    account.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    train = s3_output("train", "", "/opt/ml/processing/train")
    train["S3Output"]["S3Uri"] = run_output("train")
    prepare = account.processing(_PREPARE, role, ProcessingOutputConfig={"Outputs": [train]})
    data = get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri")
    channel = {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}},
    }
    tune = account.training(
        _TRAIN,
        role,
        AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}]},
        HyperParameters={"times": {"Std:Join": {"On": "", "Values": [get("Parameters.Times")]}}},
        InputDataConfig=[channel],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models", "CompressionType": "NONE"},
    )
    weights = get("Steps.Tune.ModelArtifacts.S3ModelArtifacts")
    evaluation = s3_output("evaluation", "", "/opt/ml/processing/evaluation")
    evaluation["S3Output"]["S3Uri"] = run_output("evaluation")
    model = {
        "InputName": "model",
        "S3Input": {
            "S3Uri": weights,
            "LocalPath": "/opt/ml/processing/model",
            "S3DataType": "S3Prefix",
        },
    }
    loss = get("Steps.Tune.FinalMetricDataList['loss'].Value")
    evaluate = account.processing(
        _EVALUATE,
        role,
        AppSpecification={"ContainerArguments": [{"Std:Join": {"On": "", "Values": [loss]}}]},
        ProcessingInputs=[model],
        ProcessingOutputConfig={"Outputs": [evaluation]},
    )
    source = {"S3Uri": weights, "S3DataType": "S3Prefix", "CompressionType": "None"}
    register = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {
            "Containers": [{"Image": "tgi", "ModelDataSource": {"S3DataSource": source}}],
            "SupportedContentTypes": ["application/json"],
        },
    }
    cached = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}}
    report = {
        "PropertyFileName": "Report",
        "OutputName": "evaluation",
        "FilePath": "evaluation.json",
    }
    message = {"Std:Join": {"On": " ", "Values": ["score", score(), "is too low"]}}
    steps: list[Json] = [
        {"Name": "Prepare", "Type": "Processing", "Arguments": prepare, **cached},
        {"Name": "Tune", "Type": "Training", "Arguments": tune, **cached},
        {
            "Name": "Evaluate",
            "Type": "Processing",
            "Arguments": evaluate,
            "PropertyFiles": [report],
        },
        condition(
            "Gate",
            {
                "Type": "GreaterThan",
                "LeftValue": score(),
                "RightValue": get("Parameters.LeastScore"),
            },
            then=[{"Name": "Register", "Type": "RegisterModel", "Arguments": register}],
            otherwise=[fail("TooLow", message)],
        ),
    ]
    parameters: list[Json] = [
        {"Name": "Times", "Type": "Integer", "DefaultValue": 2},
        {"Name": "LeastScore", "Type": "Float", "DefaultValue": 13.5},
    ]
    return steps, parameters, group


def test_a_pipeline_trains_evaluates_gates_and_registers(
    account: Account, fine_tuning: tuple[list[Json], list[Json], str]
) -> None:
    steps, parameters, group = fine_tuning
    changes = account.events({"source": ["aws.sagemaker"]})
    pipeline = account.pipeline(steps, account.pipeline_role(), Parameters=parameters)
    execution = account.start(pipeline)
    ended = account.executed(execution)
    assert ended["PipelineExecutionStatus"] == "Succeeded", account.steps(execution)

    shown = account.steps(execution)
    assert list(shown) == ["Prepare", "Tune", "Evaluate", "Gate", "Register"]
    assert {step["StepStatus"] for step in shown.values()} == {"Succeeded"}
    assert shown["Gate"]["Metadata"]["Condition"]["Outcome"] == "True"
    job = shown["Tune"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    assert job.startswith(f"pipelines-{execution.rpartition('/')[2]}-tune-")
    package = account.sagemaker.describe_model_package(
        ModelPackageName=shown["Register"]["Metadata"]["RegisterModel"]["Arn"]
    )
    assert package["ModelPackageGroupName"] == group
    assert package["MetadataProperties"]["GeneratedBy"] == execution
    (container,) = package["InferenceSpecification"]["Containers"]
    weights = container["ModelDataSource"]["S3DataSource"]["S3Uri"]
    assert account.get(weights.removeprefix(f"s3://{BUCKET}/") + "/n.txt") == "14"

    told: list[Json] = []

    def is_told() -> bool:
        details = (event["detail"] for event in account.messages(changes))
        told.extend(d for d in details if d.get("pipelineExecutionArn") == execution)
        return len(told) >= 2

    until(is_told)
    statuses = [detail["currentPipelineExecutionStatus"] for detail in told]
    assert statuses == ["Executing", "Succeeded"]
    assert told[1]["previousPipelineExecutionStatus"] == "Executing"


def test_a_step_with_the_same_arguments_is_taken_from_an_earlier_execution(
    account: Account, fine_tuning: tuple[list[Json], list[Json], str]
) -> None:
    steps, parameters, _ = fine_tuning
    pipeline = account.pipeline(steps, account.pipeline_role(), Parameters=parameters)
    first = account.start(pipeline, LeastScore="99")
    assert account.executed(first)["PipelineExecutionStatus"] == "Failed"
    reason = account.steps(first)["TooLow"]["FailureReason"]
    assert reason == "score 14.0 is too low"
    assert reason in account.executed(first)["FailureReason"]

    second = account.start(pipeline)
    assert account.executed(second)["PipelineExecutionStatus"] == "Succeeded"
    hits = {
        name: step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
        for name, step in account.steps(second).items()
    }
    assert hits == {
        "Prepare": first, "Tune": first, "Evaluate": None, "Gate": None, "Register": None,
    }  # fmt: skip
    third = account.start(pipeline, Times="3")
    assert account.executed(third)["PipelineExecutionStatus"] == "Succeeded"
    ran = account.steps(third)
    assert "CacheHitResult" in ran["Prepare"]
    assert "CacheHitResult" not in ran["Tune"]


def test_a_failed_step_is_tried_again_as_its_retry_policy_says(account: Account) -> None:
    step = {
        "Name": "Prepare",
        "Type": "Processing",
        "Arguments": account.processing("", account.role(*read_write(""))),
        "RetryPolicies": [
            {
                "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
                "IntervalSeconds": 1,
                "MaxAttempts": 10,
            }
        ],
    }
    pipeline = account.pipeline([step], account.pipeline_role())
    away = account.job_python.with_suffix(".away")
    account.job_python.rename(away)
    try:
        execution = account.start(pipeline)
        until(lambda: account.steps(execution).get("Prepare", {}).get("AttemptCount", 0) >= 2)
    finally:
        away.rename(account.job_python)
    assert account.executed(execution)["PipelineExecutionStatus"] == "Succeeded"
    assert account.steps(execution)["Prepare"]["AttemptCount"] >= 2


def test_a_step_waits_for_capacity_as_its_retry_policy_says(account: Account) -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 1}
    step = {
        "Name": "Prepare",
        "Type": "Processing",
        "Arguments": account.processing("", account.role(*read_write(""))),
        "RetryPolicies": [{**policy, "MaxAttempts": 10}],
    }
    pipeline = account.pipeline([step], account.pipeline_role())
    with account.circumstances(no_capacity=["ml.m5.xlarge"]):
        execution = account.start(pipeline)
        until(lambda: account.steps(execution).get("Prepare", {}).get("AttemptCount", 0) >= 2)
    assert account.executed(execution)["PipelineExecutionStatus"] == "Succeeded"


def test_a_failure_that_no_policy_names_is_final_and_nothing_is_begun_after_it(
    account: Account,
) -> None:
    role = account.role(*read_write(""))
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 2}
    broken = {
        "Name": "Broken",
        "Type": "Processing",
        "Arguments": account.processing("raise SystemExit('the data is bad')", role),
        "RetryPolicies": [policy],
    }
    after = {**fail("After"), "DependsOn": ["Broken"]}
    execution = account.start(account.pipeline([after, broken], account.pipeline_role()))
    ended = account.executed(execution)
    assert ended["PipelineExecutionStatus"] == "Failed"
    assert "the data is bad" in ended["FailureReason"]
    (step,) = account.steps(execution).values()
    assert (step["StepName"], step["AttemptCount"]) == ("Broken", 1)


def test_a_callback_step_waits_for_its_token_and_hands_on_its_outputs(account: Account) -> None:
    queue = account.queue()
    release = callback(
        "Release",
        queue,
        {"package": get("Parameters.Package")},
        OutputParameters=[{"OutputName": "count", "OutputType": "Integer"}],
    )
    message = {"Std:Join": {"Values": ["got ", get("Steps.Release.OutputParameters['count']")]}}
    parameters = [{"Name": "Package", "Type": "String"}]
    pipeline = account.pipeline(
        [release, fail("Shown", message)], account.pipeline_role(), Parameters=parameters
    )
    execution = account.start(pipeline, Package="arn:1")
    (sent,) = account.messages(queue, 1)
    token = sent.pop("token")
    assert len(token) == 10
    assert token.isalnum()
    assert sent == {
        "pipelineExecutionArn": execution,
        "arguments": {"package": "arn:1"},
        "status": "Executing",
    }
    assert account.steps(execution)["Release"]["StepStatus"] == "Executing"
    outputs = [{"Name": "count", "Value": "42"}]
    answer = account.sagemaker.send_pipeline_execution_step_success(
        CallbackToken=token, OutputParameters=outputs
    )
    assert answer["PipelineExecutionArn"] == execution
    assert "got 42" in account.executed(execution)["FailureReason"]
    with pytest.raises(account.sagemaker.exceptions.ResourceNotFound):
        account.sagemaker.send_pipeline_execution_step_success(CallbackToken=token)


def test_a_callback_step_fails_with_the_reason_that_is_sent(account: Account) -> None:
    queue = account.queue()
    execution = account.start(
        account.pipeline([callback("Release", queue)], account.pipeline_role())
    )
    (sent,) = account.messages(queue, 1)
    account.sagemaker.send_pipeline_execution_step_failure(
        CallbackToken=sent["token"], FailureReason="the stack rolled back"
    )
    assert account.executed(execution)["PipelineExecutionStatus"] == "Failed"
    assert account.steps(execution)["Release"]["FailureReason"] == "the stack rolled back"


def lambda_step(function: str, arguments: Json, **more: Any) -> Json:
    return {
        "Name": "Ask",
        "Type": "Lambda",
        "FunctionArn": function,
        "Arguments": arguments,
        **more,
    }


def outputs(**types: str) -> list[Json]:
    return [{"OutputName": name, "OutputType": kind} for name, kind in types.items()]


def test_a_lambda_step_hands_on_what_its_function_returns(account: Account) -> None:
    function = account.function(
        "def handle(event, _):\n    return {'half': event['count'] / 2, 'word': event['word']}\n"
    )
    ask = lambda_step(
        function,
        {"count": 5, "word": get("Parameters.Word")},
        OutputParameters=outputs(half="Float", word="String"),
    )
    sides = [get("Steps.Ask.OutputParameters['half']"), get("Steps.Ask.OutputParameters['word']")]
    message = {"Std:Join": {"On": " ", "Values": sides}}
    parameters = [{"Name": "Word", "Type": "String"}]
    execution = account.start(
        account.pipeline(
            [ask, fail("Shown", message)], account.pipeline_role(), Parameters=parameters
        ),
        Word="wide",
    )
    assert "2.5 wide" in account.executed(execution)["FailureReason"]
    shown = account.steps(execution)["Ask"]["Metadata"]["Lambda"]
    assert shown["Arn"] == function
    assert shown["OutputParameters"] == [
        {"Name": "half", "Value": "2.5"},
        {"Name": "word", "Value": "wide"},
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('not a model')", "not a model"),
        ("return {'other': 1}", "the function returned no count"),
        ("return 'text'", "the function returned no count"),
        ("return {'count': 'many'}", "count must be of type Integer, got 'many'"),
    ],
)
def test_a_lambda_step_fails_with_what_went_wrong_in_its_function(
    account: Account, body: str, said: str
) -> None:
    function = account.function(f"def handle(event, _):\n    {body}\n")
    ask = lambda_step(function, {}, OutputParameters=outputs(count="Integer"))
    execution = account.start(account.pipeline([ask], account.pipeline_role()))
    assert said in account.executed(execution)["FailureReason"]


def test_a_lambda_step_invokes_as_the_pipelines_role(account: Account) -> None:
    ask = lambda_step(account.function("def handle(event, _):\n    return {}\n"), {})
    execution = account.start(account.pipeline([ask], account.role()))
    reason = account.executed(execution)["FailureReason"]
    assert "Failed to invoke lambda:InvokeFunction" in reason
    assert "AccessDenied" in reason


def test_independent_steps_run_side_by_side_and_a_stop_is_told_to_callbacks(
    account: Account,
) -> None:
    queue = account.queue()
    wait = account.processing("import time; time.sleep(600)", account.role(*read_write("")))
    steps = [
        callback("Left", queue),
        callback("Right", queue),
        {"Name": "Wait", "Type": "Processing", "Arguments": wait},
        {**fail("Never"), "DependsOn": ["Left"]},
    ]
    execution = account.start(account.pipeline(steps, account.pipeline_role()))
    until(lambda: "Metadata" in account.steps(execution).get("Wait", {}))
    account.messages(queue, 2)
    account.sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    stopping = account.messages(queue, 2)
    assert {message["status"] for message in stopping} == {"Stopping"}
    described = account.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    assert described["PipelineExecutionStatus"] == "Stopping"
    for message in stopping:
        account.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    assert account.executed(execution)["PipelineExecutionStatus"] == "Stopped"
    statuses = {name: step["StepStatus"] for name, step in account.steps(execution).items()}
    assert statuses == {"Left": "Stopped", "Right": "Stopped", "Wait": "Stopped"}


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (True, {"Type": "Equals", "LeftValue": get("Parameters.Word"), "RightValue": "a"}),
        (False, {"Type": "GreaterThan", "LeftValue": 2, "RightValue": get("Parameters.Two")}),
        (True, {"Type": "GreaterThanOrEqualTo", "LeftValue": 2.0, "RightValue": 2}),
        (True, {"Type": "LessThan", "LeftValue": 1, "RightValue": get("Parameters.Two")}),
        (False, {"Type": "LessThanOrEqualTo", "LeftValue": 3, "RightValue": 2}),
        (True, {"Type": "In", "QueryValue": get("Parameters.Word"), "Values": ["b", "a"]}),
        (
            False,
            {"Type": "Not", "Condition": {"Type": "Equals", "LeftValue": 1, "RightValue": 1}},
        ),
        (
            True,
            {
                "Type": "Or",
                "Conditions": [
                    {"Type": "Equals", "LeftValue": 1, "RightValue": 2},
                    {"Type": "In", "QueryValue": 1, "Values": [1]},
                ],
            },
        ),
    ],
)
def test_a_condition_chooses_the_steps(account: Account, outcome: bool, kind: Json) -> None:  # noqa: FBT001 - a case's expectation
    gate = condition("Gate", kind, then=[fail("Yes")], otherwise=[fail("No")])
    parameters = [
        {"Name": "Word", "Type": "String", "DefaultValue": "a"},
        {"Name": "Two", "Type": "Integer", "DefaultValue": 2},
    ]
    pipeline = account.pipeline([gate], account.pipeline_role(), Parameters=parameters)
    execution = account.start(pipeline)
    account.executed(execution)
    assert list(account.steps(execution)) == ["Gate", "Yes" if outcome else "No"]


def test_the_pipelines_role_needs_the_permissions_of_its_steps(account: Account) -> None:
    job_role = account.role(*read_write(""))
    step = {
        "Name": "Prepare",
        "Type": "Processing",
        "Arguments": account.processing("", job_role),
    }
    jobs = "arn:aws:sagemaker:us-east-1:000000000000:processing-job/pipelines-*"
    run = allow(
        [f"sagemaker:{verb}" for verb in ("CreateProcessingJob", "AddTags")]
        + ["sagemaker:DescribeProcessingJob"],
        jobs,
    )
    refused = account.start(account.pipeline([step], account.role(run)))
    assert "iam:PassRole" in account.executed(refused)["FailureReason"]
    permitted = account.start(
        account.pipeline([step], account.role(run, allow("iam:PassRole", job_role)))
    )
    assert account.executed(permitted)["PipelineExecutionStatus"] == "Succeeded"


def test_arguments_that_the_api_call_does_not_take_fail_the_step(account: Account) -> None:
    arguments = account.processing("", account.role(*read_write("")))
    arguments["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] = get("Parameters.Size")
    step = {"Name": "Prepare", "Type": "Processing", "Arguments": arguments}
    parameters = [{"Name": "Size", "Type": "String", "DefaultValue": "thirty"}]
    execution = account.start(
        account.pipeline([step], account.pipeline_role(), Parameters=parameters)
    )
    reason = account.executed(execution)["FailureReason"]
    assert "Failed to invoke sagemaker:CreateProcessingJob" in reason
    assert "VolumeSizeInGB" in reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Epochs": "three"}, "Epochs must be of type Integer, got 'three'"),
        ({"Mode": "other"}, "Mode must be one of"),
        ({"Unknown": "1"}, "no parameters Unknown"),
        ({}, "the parameter Mode has no default"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(
    account: Account, given: dict[str, str], said: str
) -> None:
    parameters = [
        {"Name": "Epochs", "Type": "Integer", "DefaultValue": 1},
        {"Name": "Mode", "Type": "String", "EnumValues": ["domain", "instruction"]},
    ]
    pipeline = account.pipeline([fail("F")], account.pipeline_role(), Parameters=parameters)
    with pytest.raises(ClientError, match=said):
        account.start(pipeline, **given)


def test_an_execution_shows_its_parameters_and_the_definition_that_it_began_with(
    account: Account,
) -> None:
    parameters = [
        {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "On", "Type": "Boolean", "DefaultValue": False},
    ]
    role = account.pipeline_role()
    pipeline = account.pipeline([fail("Old")], role, Parameters=parameters)
    execution = account.start(pipeline, On="true")
    account.executed(execution)
    new = {"Version": "2020-12-01", "Steps": [fail("New")]}
    account.sagemaker.update_pipeline(
        PipelineName=pipeline, PipelineDefinition=json.dumps(new), RoleArn=role
    )
    ask = {"PipelineExecutionArn": execution}
    shown = account.sagemaker.list_pipeline_parameters_for_execution(**ask)["PipelineParameters"]
    assert {p["Name"]: p["Value"] for p in shown} == {"Rate": "0.5", "On": "true"}
    kept = account.sagemaker.describe_pipeline_definition_for_execution(**ask)
    assert json.loads(kept["PipelineDefinition"])["Steps"][0]["Name"] == "Old"
    listed = account.sagemaker.list_pipeline_executions(PipelineName=pipeline)
    assert [e["PipelineExecutionArn"] for e in listed["PipelineExecutionSummaries"]] == [execution]


def test_a_retried_execution_runs_only_what_did_not_succeed(account: Account) -> None:
    queue = account.queue()
    steps = [callback("First", queue), callback("Second", queue, DependsOn=["First"])]
    execution = account.start(account.pipeline(steps, account.pipeline_role()))
    sagemaker = account.sagemaker
    (first,) = account.messages(queue, 1)
    sagemaker.send_pipeline_execution_step_success(CallbackToken=first["token"])
    (second,) = account.messages(queue, 1)
    sagemaker.send_pipeline_execution_step_failure(CallbackToken=second["token"])
    assert account.executed(execution)["PipelineExecutionStatus"] == "Failed"
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution)
    (again,) = account.messages(queue, 1)
    sagemaker.send_pipeline_execution_step_success(CallbackToken=again["token"])
    assert account.executed(execution)["PipelineExecutionStatus"] == "Succeeded"
    assert account.messages(queue) == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"Name": "T", "Type": "Tuning", "Arguments": {}}], "got 'Tuning'"),
        ([fail("F", {"Std:Split": ["a"]})], "got 'Std:Split'"),
        ([fail("F", get("Steps.Nobody.Arn"))], "Steps.Nobody.Arn, which the pipeline lacks"),
        ([fail("F", get("Parameters.Nothing"))], "Parameters.Nothing"),
        ([{**fail("F"), "DependsOn": ["Nobody"]}], "unknown steps: Nobody"),
        ([fail("F"), fail("F")], "got twice: F"),
        (
            [fail("A", get("Steps.B.X")), fail("B", get("Steps.A.X"))],
            "wait for each other: A, B",
        ),
        ([condition("C", {"Type": "Odd"}, then=[], otherwise=[])], "got 'Odd'"),
        ([{"Name": "C", "Type": "Condition"}], "lacks a member"),
        ([{"Name": "L", "Type": "Lambda"}], "step L: give a Lambda step its FunctionArn"),
        (
            [lambda_step("arn", {}, CacheConfig={"Enabled": True})],
            "the embedded SageMaker does not cache Lambda steps",
        ),
        (
            [
                condition(
                    "Outer",
                    _ALWAYS,
                    then=[],
                    otherwise=[condition("Inner", _ALWAYS, then=[], otherwise=[])],
                )
            ],
            "Inner: a condition step cannot be inside another, found in Outer",
        ),
    ],
)
def test_a_definition_that_cannot_run_here_is_refused_in_words(
    account: Account, steps: list[Json], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        account.pipeline(steps, account.pipeline_role())
