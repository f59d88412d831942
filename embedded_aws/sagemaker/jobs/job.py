"""One SageMaker job on this machine: its folder for /opt/ml, its process, its end."""

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from embedded_aws.core.circumstances import accelerated
from embedded_aws.core.emulator import Json, region
from embedded_aws.core.logs import LogShipper
from embedded_aws.core.paths import inside
from embedded_aws.host import processes
from embedded_aws.iam.permissions import role_may
from embedded_aws.sagemaker import roles
from embedded_aws.sagemaker.image_pull import PullError, check_pull
from embedded_aws.sagemaker.jobs import isolation, spot

_CONTAINER_ROOT = "/opt/ml/"
_DAY = 86_400
_STOP_SECONDS = 120  # as SageMaker: from SIGTERM to SIGKILL
_POLL_SECONDS = 0.05
_MAX_REASON_CHARACTERS = 1024


def python() -> str:
    """Return the interpreter that has the packages of the jobs' image."""
    return os.environ.get("LOCAL_AWS_JOB_PYTHON", sys.executable)


class JobError(Exception):
    """Why a job failed: its failure reason."""


class Ended(NamedTuple):
    """How a job's process ended."""

    status: int
    last_line: str


class Job:
    """A job while it runs; `record` is what its Describe operation answers."""

    def __init__(self, record: Json, kind: str, name: str) -> None:
        self.record = record
        self.name = name
        self.stopping = threading.Event()
        self.exceeded = ""  # the limit that ended it, as its secondary status
        self.is_taken_back = False  # by AWS: its spot instance
        self._ran = self._waited = 0.0
        self._log_group = f"/aws/sagemaker/{kind}s"
        self._folder = processes.temporary_folder()
        self.folder.mkdir()
        self._process: subprocess.Popen[str] | None = None

    @property
    def folder(self) -> Path:
        """What stands for /opt/ml."""
        return Path(self._folder.name, "ml")

    def mapped(self, text: str) -> str:
        """`text` with the container's paths replaced by this machine's."""
        return text.replace(_CONTAINER_ROOT, f"{self.folder}/")

    def path(self, container_path: str) -> Path:
        """Return the folder that stands for one of the container's; it exists."""
        folder = Path(self.mapped(f"{container_path.rstrip('/')}/"))
        try:
            inside(self.folder, folder).mkdir(parents=True, exist_ok=True)
        except ValueError as error:
            raise JobError(
                f"ClientError: paths must be under {_CONTAINER_ROOT}, got {container_path}"
            ) from error
        return folder

    def check_rights(self) -> None:
        """Raise JobError unless the role may pull the image, and encrypt with the output's key."""
        specification = self.record.get("AppSpecification") or self.record["AlgorithmSpecification"]
        image = specification.get("ImageUri") or specification["TrainingImage"]
        try:
            check_pull(self.record["RoleArn"], image)
        except PullError as error:
            raise JobError(f"ClientError: {error}") from error
        places = (
            self.record.get(f"{name}Config", {}) for name in ("ProcessingOutput", "OutputData")
        )
        key_arn = next(filter(None, (place.get("KmsKeyId") for place in places)), None)
        # S3 does not ask for it, but SageMaker's reference of OutputDataConfig does.
        if key_arn and not role_may(self.record["RoleArn"], "kms:Encrypt", key_arn):
            raise JobError(f"ClientError: {self.record['RoleArn']} may not kms:Encrypt {key_arn}")

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        """Return a client that acts as the job's role."""
        return roles.client(self.record["RoleArn"], service)

    def said(self, file: str) -> str:
        """Return what the container wrote into one of the contract's message files, or nothing."""
        with suppress(OSError, ValueError):
            path = inside(self.folder, self.folder / file)
            if path.is_file():  # and no pipe, which would never end
                return path.read_text(errors="replace").strip()[:_MAX_REASON_CHARACTERS]
        return ""

    def execute(
        self,
        command: list[str],
        environment: dict[str, str],
        working_folder: Path,
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> Ended:
        """Run a program to its end, which stopping the job or its time limit may be."""
        try:
            process = processes.start(
                [*(isolation.prefix() if self.is_isolated else []), *command],
                self._environment(environment),
                working_folder,
                own_group=True,
            )
        except OSError as error:
            raise JobError(
                f"InternalServerError: no Python for jobs at {command[0]}: {error.strerror}"
            ) from error
        self._process = process
        stream = f"{self.name}/algo-1-"
        logs = self.client("logs")
        log = LogShipper(process, self._log_group, stream, logs=logs, on_line=on_line)
        self._wait(process)
        return Ended(process.returncode, log.last_line())

    def spend(self, *, ran: float = 0, waited: float = 0) -> None:
        """Count seconds, and stop the job that has had all it was given."""
        self._ran, self._waited = self._ran + ran, self._waited + waited
        given = self.record.get("StoppingCondition", {})
        if self._ran > given.get("MaxRuntimeInSeconds", _DAY):
            self.exceeded = "MaxRuntimeExceeded"
        elif self._ran + self._waited > given.get("MaxWaitTimeInSeconds", math.inf):
            self.exceeded = "MaxWaitTimeExceeded"
        if self.exceeded:
            self.stopping.set()

    def start_over(self) -> None:
        """Begin as on another instance, where nothing is left."""
        self.is_taken_back = False
        for path in Path(self._folder.name).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.folder.mkdir()

    def kill(self) -> None:
        """End the process and its children at once, and delete all their files."""
        self.stopping.set()
        if self._process and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._folder.cleanup()

    def _wait(self, process: subprocess.Popen[str]) -> None:
        before = time.monotonic()
        while process.poll() is None and not self.stopping.wait(_POLL_SECONDS):
            if spot.is_taken_back(self.record):
                self.is_taken_back = True
                break
            before, ran = time.monotonic(), time.monotonic() - before
            self.spend(ran=ran)
        if process.poll() is None:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(accelerated(_STOP_SECONDS))
        with suppress(ProcessLookupError):  # what is left of it and of its children
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _environment(self, own: dict[str, str]) -> dict[str, str]:
        given = self.record.get("Environment", {})
        return {
            **processes.inherited_environment(self._folder.name),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "AWS_REGION": region(),
            "AWS_DEFAULT_REGION": region(),
            **{name: self.mapped(value) for name, value in own.items()},
            **{name: self.mapped(value) for name, value in given.items()},
            **({} if self.is_isolated else self._access()),
        }

    @property
    def is_isolated(self) -> bool:
        """Whether the container has no network."""
        network = self.record.get("NetworkConfig", self.record)  # of processing, of training
        return bool(network.get("EnableNetworkIsolation"))

    def _access(self) -> dict[str, str]:
        """Return the way to AWS, which an isolated container has not."""
        endpoint = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
        return {**endpoint, **roles.credentials(self.record["RoleArn"])}
