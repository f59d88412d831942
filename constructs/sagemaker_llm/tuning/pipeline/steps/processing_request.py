"""The request that starts a processing job: a script of the zip, its inputs and its outputs."""

from typing import Any

from .facts import Facts
from .parameters import text
from .request_step import Request
from .sdk import Parameter

_INPUT, _OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
_DAY = 86_400


def processing_request(
    facts: Facts,
    script: str,
    *,
    role_arn: str,
    instance_type: object,
    volume_gb: int,
    arguments: dict[str, Any],
    inputs: dict[str, object],
    outputs: dict[str, object],
) -> Request:
    """Return the request; the folder of each input and output has its name."""
    code = f"{_INPUT}/code"
    words = [word for name, value in arguments.items() for word in (f"--{name}", _word(value))]
    given = [_input(name, uri, f"{_INPUT}/{name}") for name, uri in inputs.items()]
    return {
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": instance_type,
                "InstanceCount": 1,
                "VolumeSizeInGB": volume_gb,
            }
        },
        "AppSpecification": {
            "ImageUri": facts.image_uri,
            "ContainerEntrypoint": entrypoint(facts, code, script),
            "ContainerArguments": words,
        },
        "RoleArn": role_arn,
        "ProcessingInputs": [_input("code", facts.code_uri, code), *given],
        "ProcessingOutputConfig": {
            "KmsKeyId": facts.key_arn,
            "Outputs": [_output(name, uri, f"{_OUTPUT}/{name}") for name, uri in outputs.items()],
        },
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY},
    }


def entrypoint(facts: Facts, folder: str, script: str) -> list[str]:
    """Return the command that runs a script of the zip in a job's folder.

    It replaces the image's entrypoint, which would fetch the code from S3 inside the container and
    build a shell command from the hyperparameters. The scripts run what else it does, the libraries
    for older drivers (`jobs/gpu.py`).
    """
    return ["python3", f"{folder}/{facts.code_file}", script]


def _word(value: Any) -> object:  # noqa: ANN401 - a string, a parameter or a function of the SDK
    return text(value) if isinstance(value, Parameter) else value


def _input(name: str, uri: object, path: str) -> Request:
    source = {
        "S3Uri": uri,
        "LocalPath": path,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}


def _output(name: str, uri: object, path: str) -> Request:
    target = {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target}
