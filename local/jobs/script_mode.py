"""A training script and its arguments, as the SageMaker training toolkit gives them to it."""

import json
import os
from pathlib import Path
from typing import Any

from local.jobs.job import Job
from local.rpc import invalid

_PROGRAM, _SOURCE = "sagemaker_program", "sagemaker_submit_directory"
_OWN_PREFIX = "sagemaker_"  # hyperparameters for the toolkit, not for the script


class Script:
    """One job's script: where it comes from, how it is called and what surrounds it."""

    @staticmethod
    def check(given: dict[str, str]) -> None:
        """Raise ServiceError unless the hyperparameters name a script."""
        program, source = _decoded(given.get(_PROGRAM, "")), _decoded(given.get(_SOURCE, ""))
        if not str(program).endswith(".py") or not str(source).startswith("s3://"):
            raise invalid(
                "the embedded SageMaker trains in script mode: give the hyperparameters "
                f"{_PROGRAM} (a .py file) and {_SOURCE} (an s3:// sourcedir.tar.gz)"
            )

    def __init__(self, job: Job) -> None:
        self._job = job
        given = {k: _decoded(v) for k, v in job.record.get("HyperParameters", {}).items()}
        self._program = str(given[_PROGRAM])
        self._hyperparameters = {k: v for k, v in given.items() if not k.startswith(_OWN_PREFIX)}
        self.source = str(given[_SOURCE])
        self.folder = job.path("/opt/ml/code")
        self._write_configuration()

    @property
    def command(self) -> list[str]:
        """The script and its arguments, which the toolkit sorts by name."""
        return [self._program, *self._arguments]

    @property
    def _arguments(self) -> list[str]:
        named = sorted(self._hyperparameters.items())
        return [
            word
            for name, value in named
            for word in (f"--{name}" if len(name) > 1 else f"-{name}", self._job.mapped(str(value)))
        ]

    def environment(self, checkpoints: Path) -> dict[str, str]:
        """The variables that describe the job to its script."""
        channels = [c["ChannelName"] for c in self._job.record.get("InputDataConfig", [])]
        data = self._job.path("/opt/ml/input/data")
        folders = {f"SM_CHANNEL_{name.upper()}": str(data / name) for name in channels}
        values = {
            f"SM_HP_{name.upper()}": _encoded(value)
            for name, value in self._hyperparameters.items()
        }
        return {
            **folders,
            **values,
            "SM_CHANNELS": json.dumps(sorted(channels)),
            "SM_INPUT_DIR": str(data.parent),
            "SM_MODEL_DIR": str(self._job.path("/opt/ml/model")),
            "SM_OUTPUT_DIR": str(self._job.path("/opt/ml/output")),
            "SM_OUTPUT_DATA_DIR": str(self._job.path("/opt/ml/output/data")),
            "SM_NUM_GPUS": "0",
            "SM_NUM_CPUS": str(os.cpu_count()),
            "SM_HOSTS": json.dumps(["algo-1"]),
            "SM_CURRENT_HOST": "algo-1",
            "SM_HPS": json.dumps(self._hyperparameters),
            "SM_USER_ARGS": json.dumps(self._arguments),
            "SM_USER_ENTRY_POINT": self._program,
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.record["TrainingJobArn"],
            "CHECKPOINT_DIR": str(checkpoints),
        }

    def _write_configuration(self) -> None:
        record, folder = self._job.record, self._job.path("/opt/ml/input/config")
        channels = {c["ChannelName"]: c for c in record.get("InputDataConfig", [])}
        documents: dict[str, Any] = {
            "hyperparameters": record.get("HyperParameters", {}),
            "inputdataconfig": channels,
            "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"]},
        }
        for name, document in documents.items():
            (folder / f"{name}.json").write_text(json.dumps(document))


def _decoded(value: str) -> Any:  # noqa: ANN401 - JSON
    """A hyperparameter as the toolkit reads it: JSON where it is JSON, else the text."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _encoded(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else json.dumps(value)
