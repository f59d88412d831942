"""The start of a job's container: a Python script among its inputs."""

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid
from embedded_aws.sagemaker.jobs.job import Job, python

_INTERPRETERS = ("python3", "python")


def check(specification: Json) -> None:
    """Raise ServiceError unless the entry point is one that this machine runs."""
    entrypoint = specification.get("ContainerEntrypoint", [])
    if not entrypoint or entrypoint[0] not in _INTERPRETERS:
        raise invalid(
            "the embedded SageMaker runs Python scripts: ContainerEntrypoint must be "
            f"['python3', <script>, ...], got {entrypoint}"
        )


def command(job: Job, specification: Json) -> list[str]:
    """Return the interpreter, the script and its arguments, with this machine's paths."""
    words = [
        python(),
        *specification["ContainerEntrypoint"][1:],
        *specification.get("ContainerArguments", []),
    ]
    return [job.mapped(word) for word in words]
