"""Script mode: a training job without an entry point of its own, as the image's toolkit starts it.

The SageMaker training toolkit joins the interpreter, the program and every hyperparameter into one
line, quotes nothing, and gives the line to a shell (`create_subprocess_shell` in its `process.py`).
A value with a space becomes two words, and `$(...)` runs.
"""

import json
import shutil
import tarfile
from pathlib import Path

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid
from embedded_aws.host.archives import BROKEN, unpack
from embedded_aws.sagemaker import s3_folders
from embedded_aws.sagemaker.jobs.job import Job, JobError, python

_CODE = "/opt/ml/code"
_PROGRAM, _SOURCE = "sagemaker_program", "sagemaker_submit_directory"


def check(request: Json) -> None:
    """Raise ServiceError unless the hyperparameters name a program that this machine runs."""
    program = _decoded(request.get("HyperParameters", {})).get(_PROGRAM)
    if not str(program).endswith(".py"):
        raise invalid(
            "the embedded SageMaker runs Python scripts: without a ContainerEntrypoint the"
            f" hyperparameter {_PROGRAM} must name one, got {program!r}"
        )


def command(job: Job) -> list[str]:
    """Return the shell and the line that the toolkit gives it, with the code where it runs."""
    given = _decoded(job.record["HyperParameters"])
    _fetch_code(job, str(given.get(_SOURCE, "")))
    own = {name: value for name, value in given.items() if not name.startswith("sagemaker_")}
    words = [python(), str(given[_PROGRAM])]
    for name in sorted(own):
        words += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(own[name])]
    return ["/bin/sh", "-c", job.mapped(" ".join(words))]


def folder(job: Job) -> Path:
    """Return the folder where the program lies and runs."""
    return job.path(_CODE)


def environment(job: Job) -> dict[str, str]:
    """Return the variables of the toolkit that say where the channels and the model are."""
    channels = (channel["ChannelName"] for channel in job.record.get("InputDataConfig", []))
    return {
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        **{f"SM_CHANNEL_{name.upper()}": f"/opt/ml/input/data/{name}" for name in channels},
    }


def _decoded(hyperparameters: Json) -> Json:
    """Return the hyperparameters as the toolkit reads them: JSON where they are, else texts."""
    decoded = {}
    for name, text in hyperparameters.items():
        try:
            decoded[name] = json.loads(text)
        except ValueError:
            decoded[name] = text
    return decoded


def _argument(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in sorted(value.items()))
    return "" if value is None else str(value)


def _fetch_code(job: Job, source: str) -> None:
    """Copy or unpack the code in the container, which an isolated one cannot fetch from S3."""
    target = folder(job)
    try:
        if source.startswith("s3://"):
            if job.is_isolated:
                raise JobError(f"ClientError: an isolated container cannot fetch {source}")
            s3_folders.download(job.client("s3"), source, target)
            source = f"{_CODE}/{source.rpartition('/')[2]}"
        place = Path(job.mapped(source))
        if place.is_dir():
            shutil.copytree(place, target, dirs_exist_ok=True)
        else:
            with tarfile.open(place) as archive:
                unpack(archive, target)
    except (*BROKEN, s3_folders.TransferError) as error:
        raise JobError(f"ClientError: {_SOURCE} {source!r}: {error}") from error
