"""A processing job as the request that starts it: one script of the zip, its inputs and outputs."""

from typing import Any

from .parameters import text
from .parts import PipelineParts
from .request_step import Request

_INPUT, _OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
_DAY = 86_400


def processing_request(
    parts: PipelineParts,
    script: str,
    *,
    role_arn: str,
    instance_type: object,
    volume_gb: int,
    arguments: dict[str, Any],
    inputs: dict[str, object],
    outputs: dict[str, object],
) -> Request:
    """Return the request; each input and output lies in a folder of its own name."""
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
            "ImageUri": parts.image.uri,
            "ContainerEntrypoint": parts.code.entrypoint(code, script),
            "ContainerArguments": words,
        },
        "RoleArn": role_arn,
        "ProcessingInputs": [_input("code", parts.code.uri, code), *given],
        "ProcessingOutputConfig": {
            "KmsKeyId": parts.key_arn,
            "Outputs": [_output(name, uri, f"{_OUTPUT}/{name}") for name, uri in outputs.items()],
        },
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY},
    }


def _word(value: Any) -> object:  # noqa: ANN401 - a text, or a parameter of the SDK
    return value if isinstance(value, str) else text(value)


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
