"""The pipeline's definition: its steps, and the API calls that SageMaker makes from them."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from jsonschema import (  # type: ignore[import-untyped] # the package has no types
    Draft202012Validator,
    ValidationError,
)

from allowed_values.execution import check_execution, read_arguments
from allowed_values.hyperparameters import Hyperparameters
from allowed_values.parameters import PARAMETERS
from embedded_aws.core.constraints import violations
from operate.tuning.parameters import job_arguments
from tests.infrastructure.assembly import ENVIRONMENTS, Assembly
from tests.infrastructure.pipeline_definition import definition_of, steps_by_name
from tests.infrastructure.pipeline_schema import SCHEMA

_OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "RegisterModel": "CreateModelPackage",
}
_NAMES = {"Processing": "ProcessingJobName", "Training": "TrainingJobName"}
_GATE = "text_generation_metrics"
_PARAMETERS = {
    "retrieval_lengths": "RetrievalLengths",
    "training_instance_type": "TrainingInstanceType",
}


@pytest.fixture(name="definition", params=ENVIRONMENTS)
def _definition(request: pytest.FixtureRequest, assembly: Assembly) -> dict[str, Any]:
    return definition_of(assembly.template(f"{request.param}/Training"))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.keys() == {"Get"}:
            yield value["Get"]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def _filled(value: Any, parameters: dict[str, Any]) -> Any:
    """Put a value of the right type in the place of every function."""
    if isinstance(value, list):
        return [_filled(member, parameters) for member in value]
    if not isinstance(value, dict):
        return value
    if "Get" in value:
        root, name = value["Get"].split(".", 1)
        return parameters[name] if root == "Parameters" else "s3://any/place"
    if "Std:Join" in value:
        parts = [str(_filled(part, parameters)) for part in value["Std:Join"]["Values"]]
        return str(value["Std:Join"]["On"]).join(parts)
    if "Std:JsonGet" in value:
        return "0a1b"
    return {name: _filled(member, parameters) for name, member in value.items()}


def test_steps_run_in_the_order_of_the_release(definition: dict[str, Any]) -> None:
    assert {name: step["Type"] for name, step in steps_by_name(definition).items()} == {
        "Prepare": "Processing",
        "FineTune": "Training",
        "Store": "Lambda",
        "Evaluate": "Processing",
        "Gate": "Condition",
        "Register": "RegisterModel",
        "Release": "Callback",
        "Refuse": "Fail",
    }
    needs = {
        name: sorted({ref.split(".")[1] for ref in _references(step) if ref.startswith("Steps.")})
        for name, step in steps_by_name(definition).items()
        if step["Type"] in ("Processing", "Training", "Lambda", "RegisterModel", "Callback")
    }
    assert needs == {
        "Prepare": [],
        "FineTune": ["Prepare"],
        "Store": ["FineTune"],
        "Evaluate": ["Prepare", "Store"],
        "Register": ["Evaluate", "FineTune", "Prepare", "Store"],
        "Release": ["Register"],
    }


def test_every_reference_is_to_something_that_there_is(definition: dict[str, Any]) -> None:
    parameters = {parameter["Name"] for parameter in definition["Parameters"]}
    for reference in _references(definition["Steps"]):
        root, name, *_ = reference.split(".")
        known = {"Parameters": parameters, "Steps": steps_by_name(definition).keys()}
        assert root == "Execution" or name in known[root], reference
    used = {r.split(".")[1] for r in _references(definition["Steps"]) if r.startswith("Param")}
    assert used == parameters


@pytest.mark.parametrize("step_name", ["Prepare", "FineTune", "Evaluate", "Register"])
def test_arguments_are_valid_for_the_call_that_sagemaker_makes(
    definition: dict[str, Any], step_name: str
) -> None:
    step = steps_by_name(definition)[step_name]
    parameters = {p["Name"]: p["DefaultValue"] for p in definition["Parameters"]}
    arguments = _filled(step["Arguments"], parameters)
    if step["Type"] in _NAMES:
        arguments[_NAMES[step["Type"]]] = "pipelines-abc"
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.operation_model(_OPERATIONS[step["Type"]]).input_shape
    report = ParamValidator().validate(arguments, shape)
    assert not report.has_errors(), report.generate_report()
    assert list(violations(arguments, shape)) == []


def test_definition_has_the_documented_form(definition: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMA).validate(definition)


def _nested(definition: dict[str, Any]) -> None:
    gate = steps_by_name(definition)["Gate"]
    gate["Arguments"]["IfSteps"].append({**gate, "Name": "Inner"})


def _misspelt(definition: dict[str, Any]) -> None:
    definition["Steps"][0]["Cache"] = definition["Steps"][0].pop("CacheConfig")


def _unknown_function(definition: dict[str, Any]) -> None:
    steps_by_name(definition)["Refuse"]["Arguments"]["ErrorMessage"] = {"Std:Split": []}


@pytest.mark.parametrize("spoil", [_nested, _misspelt, _unknown_function])
def test_another_form_is_found_out(
    definition: dict[str, Any], spoil: Callable[[dict[str, Any]], None]
) -> None:
    spoil(definition)
    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate(definition)


def test_jobs_are_told_what_the_training_goes_by(definition: dict[str, Any]) -> None:
    steps = steps_by_name(definition)
    for step, name in (
        ("Prepare", "instruction_tuned"),
        ("Prepare", "max_input_length"),
        ("Prepare", "learning_rate"),
        ("Prepare", "retrieval_lengths"),
        ("Prepare", "training_instance_type"),
        ("Evaluate", "max_input_length"),
    ):
        words = steps[step]["Arguments"]["AppSpecification"]["ContainerArguments"]
        value = words[words.index(f"--{name}") + 1]
        wanted = {"Get": f"Parameters.{_PARAMETERS.get(name, name)}"}
        assert wanted in (value, *_joined(value)), (step, name)


def test_all_jobs_take_the_values_that_an_environment_gives(definition: dict[str, Any]) -> None:
    values = read_arguments(job_arguments(definition, {}))
    check_execution(values)
    assert {"evaluation_instance_type", "target_modules", "retrieval_lengths"} <= values.keys()


def _joined(value: dict[str, Any]) -> list[Any]:
    joined: list[Any] = value.get("Std:Join", {}).get("Values", [])
    return joined


def test_hyperparameters_are_those_of_the_training_script(definition: dict[str, Any]) -> None:
    fields = {field.name for field in dataclasses.fields(Hyperparameters)}
    given = steps_by_name(definition)["FineTune"]["Arguments"]["HyperParameters"].keys()
    assert given == fields


def test_no_job_reaches_the_network(definition: dict[str, Any]) -> None:
    for step in steps_by_name(definition).values():
        if step["Type"] == "Processing":
            assert step["Arguments"]["NetworkConfig"] == {"EnableNetworkIsolation": True}
        if step["Type"] == "Training":
            assert step["Arguments"]["EnableNetworkIsolation"] is True


def test_training_starts_its_script_itself(definition: dict[str, Any]) -> None:
    arguments = steps_by_name(definition)["FineTune"]["Arguments"]
    command = arguments["AlgorithmSpecification"]["ContainerEntrypoint"]
    (code,) = (c for c in arguments["InputDataConfig"] if c["ChannelName"] == "code")
    uri = code["DataSource"]["S3DataSource"]["S3Uri"]
    assert command == ["python3", f"/opt/ml/input/data/code/{uri.rpartition('/')[2]}", "fine_tune"]


def test_training_keeps_checkpoints_for_executions_with_the_same_data_and_values(
    definition: dict[str, Any],
) -> None:
    steps = steps_by_name(definition)
    checkpoints = steps["FineTune"]["Arguments"]["CheckpointConfig"]
    folder, job = checkpoints["S3Uri"]["Std:Join"]["Values"]
    assert json.dumps(folder).endswith('/checkpoints"')
    assert job == {"Get": "Steps.Prepare.ProcessingJobName"}
    # That job is run again, and gets another name, for any other value of the training.
    words = steps["Prepare"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    for name, value in steps["FineTune"]["Arguments"]["HyperParameters"].items():
        assert words[words.index(f"--{name}") + 1] == value


def test_defaults_are_jumpstarts_on_aws(assembly: Assembly) -> None:
    definition = definition_of(assembly.template("Prod/Training"))
    ours = {p["Name"]: p["DefaultValue"] for p in definition["Parameters"] if p["Name"].islower()}
    assert ours.pop("instruction_tuned") == "True"
    assert ours["validation_split"] == 0.2
    assert ours.pop("gradient_accumulation_steps") == 1  # of a sharded model; JumpStart's is 8
    for name, value in ours.items():
        wanted = PARAMETERS[name].default
        assert value == (str(wanted) if isinstance(wanted, bool) else wanted), name


def test_gate_compares_with_the_base_and_never_with_zero(definition: dict[str, Any]) -> None:
    gate = steps_by_name(definition)["Gate"]["Arguments"]
    compared = [
        (c["Type"], c["LeftValue"].get("Std:JsonGet", {}).get("Path"), c["RightValue"])
        for c in gate["Conditions"]
    ]
    reduction, change = (
        {"Get": f"Parameters.Min{n}"} for n in ("LossReduction", "RetrievalChange")
    )
    assert compared == [
        ("GreaterThan", None, 0),
        ("GreaterThanOrEqualTo", f"{_GATE}.loss_reduction.value", reduction),
        ("GreaterThanOrEqualTo", f"{_GATE}.passkey_retrieval_change.value", change),
        ("GreaterThanOrEqualTo", f"{_GATE}.line_retrieval_change.value", change),
    ]
    assert gate["Conditions"][0]["LeftValue"] == reduction
    assert [step["Name"] for step in gate["ElseSteps"]] == ["Refuse"]


def test_execution_waits_long_for_capacity_and_not_for_a_quota(definition: dict[str, Any]) -> None:
    policies = {
        kind: policy
        for policy in steps_by_name(definition)["FineTune"]["RetryPolicies"]
        for kind in policy["ExceptionType"]
    }
    assert policies["SageMaker.CAPACITY_ERROR"]["ExpireAfterMin"] == 24 * 60
    quota = policies["SageMaker.RESOURCE_LIMIT"]
    waits = [60 * quota["BackoffRate"] ** attempt for attempt in range(quota["MaxAttempts"])]
    assert sum(waits) < 600


def test_jobs_are_cached_and_wait_for_capacity(definition: dict[str, Any]) -> None:
    for step in steps_by_name(definition).values():
        retried = {t for p in step.get("RetryPolicies", []) for t in p["ExceptionType"]}
        if step["Type"] in ("Processing", "Training"):
            assert step["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P30D"}
            assert {"SageMaker.CAPACITY_ERROR", "Step.THROTTLING"} <= retried
        elif step["Type"] == "RegisterModel":
            assert retried == {"Step.SERVICE_FAULT", "Step.THROTTLING"}


def test_package_keeps_whether_it_was_registered_approved(
    definition: dict[str, Any],
) -> None:
    steps = steps_by_name(definition)
    approval = {"Get": "Parameters.ModelApprovalStatus"}
    assert steps["Release"]["Arguments"].keys() == {"model_package_arn"}  # it asks the registry
    registered = steps["Register"]["Arguments"]
    assert registered["ModelApprovalStatus"] == approval
    assert registered["CustomerMetadataProperties"]["approval_at_registration"] == approval


def test_package_keeps_the_gates_thresholds_and_the_environments(
    definition: dict[str, Any],
) -> None:
    metadata = steps_by_name(definition)["Register"]["Arguments"]["CustomerMetadataProperties"]
    defaults = {p["Name"]: p["DefaultValue"] for p in definition["Parameters"]}
    for name, parameter in (
        ("min_loss_reduction", "MinLossReduction"),
        ("min_retrieval_change", "MinRetrievalChange"),
    ):
        assert {"Get": f"Parameters.{parameter}"} in metadata[name]["Std:Join"]["Values"]
        assert float(metadata[f"default_{name}"]) == defaults[parameter]


def test_no_condition_holds_another_which_sagemaker_refuses(definition: dict[str, Any]) -> None:
    gate = steps_by_name(definition)["Gate"]["Arguments"]
    assert [step["Type"] for step in gate["IfSteps"]] == ["RegisterModel", "Callback"]
    assert [step["Type"] for step in gate["ElseSteps"]] == ["Fail"]


@pytest.mark.parametrize(
    ("environment", "approval", "others"),
    [
        ("Local", "Approved", ["PendingManualApproval"]),
        ("Dev", "Approved", ["PendingManualApproval"]),
        ("Staging", "PendingManualApproval", []),
        ("Prod", "PendingManualApproval", []),
    ],
)
def test_approval_is_a_persons_where_users_are_whatever_an_execution_is_told(
    assembly: Assembly, environment: str, approval: str, others: list[str]
) -> None:
    parameters = definition_of(assembly.template(f"{environment}/Training"))["Parameters"]
    (found,) = (p for p in parameters if p["Name"] == "ModelApprovalStatus")
    assert found["DefaultValue"] == approval
    assert found["EnumValues"] == [approval, *others]


def test_registered_model_is_served_as_the_catalog_says(assembly: Assembly) -> None:
    register = steps_by_name(definition_of(assembly.template("Prod/Training")))["Register"][
        "Arguments"
    ]
    (container,) = register["InferenceSpecification"]["Containers"]
    model = assembly.template("Prod/Serving").only("AWS::SageMaker::Model")
    base = model["PrimaryContainer"]["Fn::If"][1]
    assert (container["Image"], container["Environment"]) == (base["Image"], base["Environment"])
    source = container["ModelDataSource"]["S3DataSource"]
    assert source["CompressionType"] == "None"
    assert source["S3Uri"] == _of_store("model_uri")
    assert register["CustomerMetadataProperties"].keys() >= {"data_sha256", "training_job"}


def _of_store(output: str) -> dict[str, str]:
    return {"Get": f"Steps.Store.OutputParameters['{output}']"}


def test_model_is_judged_and_registered_as_it_is_kept(definition: dict[str, Any]) -> None:
    steps = steps_by_name(definition)
    candidate = steps["Store"]["Arguments"]["candidate"]["Std:Join"]["Values"]
    written = steps["FineTune"]["Arguments"]["OutputDataConfig"]["S3OutputPath"]
    assert candidate == [
        written.rstrip("/"),
        {"Get": "Steps.FineTune.TrainingJobName"},
        "output/model/",
    ]
    assert written.endswith("/candidates/")
    inputs = steps["Evaluate"]["Arguments"]["ProcessingInputs"]
    (tuned,) = (i["S3Input"]["S3Uri"] for i in inputs if i["InputName"] == "tuned")
    assert tuned == _of_store("model_uri")
    metadata = steps["Register"]["Arguments"]["CustomerMetadataProperties"]
    assert metadata["inventory"] == _of_store("inventory")
    assert metadata["inventory_sha256"] == _of_store("inventory_sha256")


def test_nothing_of_the_sdk_is_left_open(definition: dict[str, Any]) -> None:
    text = json.dumps(definition)
    assert "null" not in text
    assert "Token[" not in text
    assert definition.keys() == {"Version", "Metadata", "Parameters", "Steps"}
