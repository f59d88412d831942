"""The steps after the jobs: the gate, the registration and the release."""

from typing import Any

from .facts import Facts
from .function_step import FunctionStep
from .jobs import DATA_REPORT, EVALUATION, output_uri
from .parameters import Parameters, text
from .request_step import RequestStep
from .sdk import (
    CallbackStep,
    ConditionGreaterThan,
    ConditionGreaterThanOrEqualTo,
    ConditionStep,
    ExecutionVariables,
    FailStep,
    Join,
    JsonGet,
    StepTypeEnum,
)

_RETRIEVALS = ("passkey_retrieval_change", "line_retrieval_change")


def gate_step(p: Parameters, evaluated: RequestStep, *, passed: list[Any]) -> ConditionStep:
    """Pass a model that is better than its base; a missing metric fails the step."""
    reduction = _metric(evaluated, "loss_reduction")
    changes = [_metric(evaluated, name) for name in _RETRIEVALS]
    conditions = [
        # A margin of zero or below would pass a model that is no better.
        ConditionGreaterThan(left=p["MinLossReduction"], right=0.0),
        ConditionGreaterThanOrEqualTo(left=reduction, right=p["MinLossReduction"]),
        *(
            ConditionGreaterThanOrEqualTo(left=change, right=p["MinRetrievalChange"])
            for change in changes
        ),
    ]
    return ConditionStep(
        "Gate",
        conditions=conditions,
        if_steps=passed,
        else_steps=[_refusal(p, reduction, changes)],
    )


def register_step(
    facts: Facts,
    p: Parameters,
    *,
    prepared: RequestStep,
    tuned: RequestStep,
    stored: FunctionStep,
    evaluated: RequestStep,
) -> RequestStep:
    """Register the model as it will be served."""
    weights = {
        "S3Uri": stored.output("model_uri"),
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    container = {
        "Image": facts.serving_image_uri,
        "Environment": facts.serving_environment,
        "ModelDataSource": {"S3DataSource": weights},
    }
    evaluation = output_uri(evaluated, "evaluation")
    figures, report = (
        Join(on="/", values=[evaluation, name]) for name in ("evaluation.json", "report.html")
    )
    data_hash = JsonGet(step_name=prepared.name, property_file=DATA_REPORT, json_path="sha256")
    request = {
        "ModelPackageGroupName": facts.package_group,
        "ModelApprovalStatus": p["ModelApprovalStatus"],
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
            "SupportedRealtimeInferenceInstanceTypes": [facts.serving_instance_type],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": figures}}
        },
        "CustomerMetadataProperties": {
            "base_model": p["BaseModelId"],
            "base_model_uri": p["BaseModelUri"],
            "report": report,
            "data_uri": p["InputDataUri"],
            "data_sha256": data_hash,
            # The release compares the stored model with these.
            "inventory": stored.output("inventory"),
            "inventory_sha256": stored.output("inventory_sha256"),
            "training_job": tuned.properties.TrainingJobName,
            "pipeline_execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            # Decides whether the pipeline releases the model without a person.
            "approval_at_registration": p["ModelApprovalStatus"],
            **_thresholds(facts, p),
        },
    }
    return RequestStep("Register", StepTypeEnum.REGISTER_MODEL, request)


def release_step(facts: Facts, registered: RequestStep) -> CallbackStep:
    """Release an approved model at once; any other waits for a person's approval in the registry.

    The function behind the queue reads the approval: a condition cannot hold another condition.
    """
    return CallbackStep(
        "Release",
        sqs_queue_url=facts.release_queue_url,
        inputs={"model_package_arn": registered.properties.ModelPackageArn},
        outputs=[],
    )


def _thresholds(facts: Facts, p: Parameters) -> dict[str, object]:
    """Return the gate's thresholds in this execution, and the environment's own."""
    return {
        "min_loss_reduction": text(p["MinLossReduction"]),
        "min_retrieval_change": text(p["MinRetrievalChange"]),
        "default_min_loss_reduction": facts.default_min_loss_reduction,
        "default_min_retrieval_change": facts.default_min_retrieval_change,
    }


def _metric(evaluated: RequestStep, name: str) -> JsonGet:
    path = f"text_generation_metrics.{name}.value"
    return JsonGet(step_name=evaluated.name, property_file=EVALUATION, json_path=path)


def _refusal(p: Parameters, reduction: JsonGet, changes: list[JsonGet]) -> FailStep:
    passkey, line = changes
    sentence = [
        "The tuned model is not released. Relative to the base: loss reduction",
        reduction,
        "(at least",
        p["MinLossReduction"],
        "and above 0 is wanted), pass-key retrieval",
        passkey,
        "and line retrieval",
        line,
        "(at least",
        p["MinRetrievalChange"],
        "is wanted for each).",
    ]
    return FailStep("Refuse", error_message=Join(on=" ", values=sentence))
