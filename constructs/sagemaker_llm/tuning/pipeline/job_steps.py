"""The pipeline's jobs: prepare, fine-tune, evaluate."""

from typing import Any

from sagemaker_llm.release.storage import CANDIDATES, CHECKPOINTS, EVALUATIONS, PREPARED

from .function_step import FunctionStep
from .offline_sdk import ExecutionVariables, Join, PropertyFile, StepTypeEnum
from .parameters import PipelineParameters, text
from .parts import PipelineParts
from .processing_request import processing_request
from .request_step import Request, RequestStep

_DAY = 86_400

# The scripts print `train-loss=1.234567`.
_METRICS = {
    "huggingface-textgeneration:train-loss": r"train-loss=([0-9.]+)",
    "huggingface-textgeneration:eval-loss": r"eval-loss=([0-9.]+)",
}

DATA_REPORT = PropertyFile("DataReport", output_name="report", path="report.json")
EVALUATION = PropertyFile("Evaluation", output_name="evaluation", path="evaluation.json")


def prepare_step(parts: PipelineParts, p: PipelineParameters) -> RequestStep:
    """Validate and split the data."""
    arguments = {
        "mode": p.mode,
        "instruction_tuned": p.hyperparameters["instruction_tuned"],  # must fit the mode
        "validation_split": p.hyperparameters["validation_split"],
        "test_split": p.test_split,
        "max_input_length": p.hyperparameters["max_input_length"],
        "seed": p.hyperparameters["seed"],
    }
    request = processing_request(
        parts,
        "prepare",
        role_arn=parts.roles.prepare.role_arn,
        instance_type=p.prepare_instance_type,
        volume_gb=30,
        arguments=arguments,
        inputs={"data": p.input_data_uri},
        outputs={
            name: _of_execution(parts, PREPARED, name)
            for name in ("train", "validation", "test", "report")
        },
    )
    return RequestStep("Prepare", StepTypeEnum.PROCESSING, request, property_files=[DATA_REPORT])


def fine_tune_step(
    parts: PipelineParts, p: PipelineParameters, prepared: RequestStep
) -> RequestStep:
    """Train on the prepared data."""
    channels = {
        "code": parts.code.uri,
        "train": output_uri(prepared, "train"),
        "validation": output_uri(prepared, "validation"),
        "model": p.base_model_uri,
    }
    request = {
        "AlgorithmSpecification": {
            "TrainingImage": parts.image.uri,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": parts.code.entrypoint("/opt/ml/input/data/code", "fine_tune"),
            "MetricDefinitions": [{"Name": k, "Regex": v} for k, v in _METRICS.items()],
        },
        "RoleArn": parts.roles.fine_tune.role_arn,
        "InputDataConfig": [_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {
            "S3OutputPath": parts.artifacts_uri(CANDIDATES),
            "KmsKeyId": parts.key_arn,
            "CompressionType": "NONE",  # an endpoint starts minutes sooner from plain files
        },
        # No key for the volume: g5's own storage takes none, its hardware encrypts it.
        "ResourceConfig": {
            "InstanceType": p.training_instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": 300,
        },
        "EnableNetworkIsolation": True,
        "HyperParameters": _hyperparameters(parts, p),
        **_stopping(parts),
    }
    return RequestStep("FineTune", StepTypeEnum.TRAINING, request)


def evaluate_step(
    parts: PipelineParts, p: PipelineParameters, prepared: RequestStep, stored: FunctionStep
) -> RequestStep:
    """Measure the tuned model, as it is kept, beside its base."""
    arguments = {
        "prompt_format": parts.endpoint.model.prompt_format,
        "max_input_length": p.hyperparameters["max_input_length"],
        "retrieval_lengths": p.retrieval_lengths,
        "retrieval_trials": p.retrieval_trials,
        "sample_prompts": str(parts.settings.sample_prompts),
        "max_new_tokens": str(parts.settings.max_new_tokens),
        "seed": p.hyperparameters["seed"],
    }
    request = processing_request(
        parts,
        "evaluate",
        role_arn=parts.roles.evaluate.role_arn,
        instance_type=p.evaluation_instance_type,
        volume_gb=100,
        arguments=arguments,
        inputs={
            "test": output_uri(prepared, "test"),
            "base": p.base_model_uri,
            "tuned": stored.output("model_uri"),
        },
        outputs={"evaluation": _of_execution(parts, EVALUATIONS, "report")},
    )
    return RequestStep("Evaluate", StepTypeEnum.PROCESSING, request, property_files=[EVALUATION])


def output_uri(step: RequestStep, name: str) -> Any:  # noqa: ANN401 - a property of the SDK
    """Where a processing step's output lies."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def store_step(parts: PipelineParts, tuned: RequestStep) -> FunctionStep:
    """Check the trained model, and keep it where no job can write."""
    # Not S3ModelArtifacts, which may lack the last slash.
    start = parts.artifacts_uri(CANDIDATES).rstrip("/")
    candidate = Join(on="/", values=[start, tuned.properties.TrainingJobName, "output/model/"])
    return FunctionStep(
        "Store",
        function_arn=parts.store.function.function_arn,
        arguments={"candidate": candidate},
        outputs=("model_uri", "inventory", "inventory_sha256"),
    )


def _of_execution(parts: PipelineParts, prefix: str, name: str) -> Join:
    start = parts.artifacts_uri(prefix).rstrip("/")
    return Join(on="/", values=[start, ExecutionVariables.PIPELINE_EXECUTION_ID, name])


def _hyperparameters(parts: PipelineParts, p: PipelineParameters) -> Request:
    return {
        **{name: text(parameter) for name, parameter in p.of_training.items()},
        "prompt_format": parts.endpoint.model.prompt_format,
        "base_model_id": p.base_model_id,
        "base_model_license": p.base_model_license,
    }


def _stopping(parts: PipelineParts) -> Request:
    if not parts.settings.managed_spot:
        return {"StoppingCondition": {"MaxRuntimeInSeconds": _DAY}}
    return {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {
            "MaxRuntimeInSeconds": _DAY,
            "MaxWaitTimeInSeconds": 2 * _DAY,
        },
        # Named by the execution, so that none goes on from another's; the step's result is
        # therefore never taken over from an earlier execution.
        "CheckpointConfig": {
            "S3Uri": _of_execution(parts, CHECKPOINTS, "state"),
            "LocalPath": "/opt/ml/checkpoints",
        },
    }


def _channel(name: str, uri: object) -> Request:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
