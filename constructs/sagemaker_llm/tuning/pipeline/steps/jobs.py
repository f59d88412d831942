"""The pipeline's jobs: prepare, fine-tune, evaluate."""

from typing import Any

from .facts import Facts
from .function_step import FunctionStep
from .parameters import Parameters, text
from .processing_request import entrypoint, processing_request
from .request_step import Request, RequestStep
from .sdk import ExecutionVariables, Join, PropertyFile, StepTypeEnum

_DAY = 86_400

# The scripts print `train-loss=1.234567`.
_METRICS = {
    "huggingface-textgeneration:train-loss": r"train-loss=([0-9.]+)",
    "huggingface-textgeneration:eval-loss": r"eval-loss=([0-9.]+)",
}

DATA_REPORT = PropertyFile("DataReport", output_name="report", path="report.json")
EVALUATION = PropertyFile("Evaluation", output_name="evaluation", path="evaluation.json")


def prepare_step(facts: Facts, p: Parameters) -> RequestStep:
    """Validate and split the data."""
    # All values of the later jobs too: what they would refuse, this job refuses before a GPU is
    # asked for.
    arguments = {
        "mode": p["Mode"],
        "validation_split": p["validation_split"],
        "test_split": p["TestSplit"],
        "training_instance_type": p["TrainingInstanceType"],
        "input_data_uri": p["InputDataUri"],
        "base_model_uri": p["BaseModelUri"],
        **_hyperparameters(facts, p),
        **_evaluation(facts, p),
    }
    request = processing_request(
        facts,
        "prepare",
        role_arn=facts.prepare_role_arn,
        instance_type=p["PrepareInstanceType"],
        volume_gb=30,
        arguments=arguments,
        inputs={"data": p["InputDataUri"]},
        outputs={
            name: _of_execution(facts.prepared_uri, name)
            for name in ("train", "validation", "test", "report")
        },
    )
    return RequestStep("Prepare", StepTypeEnum.PROCESSING, request, property_files=[DATA_REPORT])


def fine_tune_step(
    facts: Facts, p: Parameters, prepared: RequestStep, *, managed_spot: bool
) -> RequestStep:
    """Train on the prepared data."""
    channels = {
        "code": facts.code_uri,
        "train": output_uri(prepared, "train"),
        "validation": output_uri(prepared, "validation"),
        "model": p["BaseModelUri"],
    }
    request = {
        "AlgorithmSpecification": {
            "TrainingImage": facts.image_uri,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": entrypoint(facts, "/opt/ml/input/data/code", "fine_tune"),
            "MetricDefinitions": [{"Name": k, "Regex": v} for k, v in _METRICS.items()],
        },
        "RoleArn": facts.fine_tune_role_arn,
        "InputDataConfig": [_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {
            "S3OutputPath": f"{facts.candidates_uri}/",
            "KmsKeyId": facts.key_arn,
            "CompressionType": "NONE",  # an endpoint starts minutes sooner from plain files
        },
        # No key for the volume: g5's own storage takes none, its hardware encrypts it.
        "ResourceConfig": {
            "InstanceType": p["TrainingInstanceType"],
            "InstanceCount": 1,
            "VolumeSizeInGB": 300,
        },
        "EnableNetworkIsolation": True,
        "HyperParameters": _hyperparameters(facts, p),
        # Named after the preparing job, which has all values of the later jobs as its arguments:
        # an execution with the same data and values takes that job over, and resumes. The script
        # finds no checkpoint of other contents there (`jobs/tuning/training/checkpoints.py`).
        "CheckpointConfig": {
            "S3Uri": Join(
                on="/", values=[facts.checkpoints_uri, prepared.properties.ProcessingJobName]
            ),
            "LocalPath": "/opt/ml/checkpoints",
        },
        **_stopping(managed_spot=managed_spot),
    }
    return RequestStep("FineTune", StepTypeEnum.TRAINING, request)


def evaluate_step(
    facts: Facts, p: Parameters, prepared: RequestStep, stored: FunctionStep
) -> RequestStep:
    """Measure the stored model against its base."""
    request = processing_request(
        facts,
        "evaluate",
        role_arn=facts.evaluate_role_arn,
        instance_type=p["EvaluationInstanceType"],
        volume_gb=100,
        arguments=_evaluation(facts, p),
        inputs={
            "test": output_uri(prepared, "test"),
            "base": p["BaseModelUri"],
            "tuned": stored.output("model_uri"),
        },
        outputs={"evaluation": _of_execution(facts.evaluations_uri, "report")},
    )
    return RequestStep("Evaluate", StepTypeEnum.PROCESSING, request, property_files=[EVALUATION])


def output_uri(step: RequestStep, name: str) -> Any:  # noqa: ANN401 - a property of the SDK
    """Return the URI of a processing step's output."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def store_step(facts: Facts, tuned: RequestStep) -> FunctionStep:
    """Check the trained model and copy it to where no job can write."""
    # Not S3ModelArtifacts: it may lack the last slash.
    candidate = Join(
        on="/", values=[facts.candidates_uri, tuned.properties.TrainingJobName, "output/model/"]
    )
    return FunctionStep(
        "Store",
        function_arn=facts.store_function_arn,
        arguments={"candidate": candidate},
        outputs=("model_uri", "inventory", "inventory_sha256"),
    )


def _of_execution(uri: str, name: str) -> Join:
    return Join(on="/", values=[uri, ExecutionVariables.PIPELINE_EXECUTION_ID, name])


def _hyperparameters(facts: Facts, p: Parameters) -> Request:
    return {
        **{name: text(parameter) for name, parameter in p.of_training.items()},
        "prompt_format": facts.prompt_format,
        "base_model_id": p["BaseModelId"],
        "base_model_license": p["BaseModelLicense"],
        "weights_format": facts.weights_format,
    }


def _evaluation(facts: Facts, p: Parameters) -> Request:
    return {
        "prompt_format": facts.prompt_format,
        "max_input_length": p["max_input_length"],
        "retrieval_lengths": p["RetrievalLengths"],
        "retrieval_trials": p["RetrievalTrials"],
        "sample_prompts": facts.sample_prompts,
        "max_new_tokens": facts.max_new_tokens,
        "seed": p["seed"],
    }


def _stopping(*, managed_spot: bool) -> Request:
    limit = {"MaxRuntimeInSeconds": _DAY}  # what is cut off resumes with the next execution
    if not managed_spot:
        return {"StoppingCondition": limit}
    return {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {**limit, "MaxWaitTimeInSeconds": 2 * _DAY},
    }


def _channel(name: str, uri: object) -> Request:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
