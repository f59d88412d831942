"""Model containers: what SageMaker would run on instances runs here as processes.

One process stands for all the instances of an endpoint: a laptop has no more to give.
"""

import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json
from embedded_aws.core.logs import LogShipper
from embedded_aws.core.rpc import ServiceError
from embedded_aws.host import processes
from embedded_aws.model_server.stand_in import STOOD_IN_FOR
from embedded_aws.sagemaker import roles, s3_folders
from embedded_aws.sagemaker.hosting import images
from embedded_aws.sagemaker.image_pull import PullError, check_pull
from embedded_aws.sagemaker.registry import packages as model_registry

if TYPE_CHECKING:
    from collections.abc import Callable

# The variables of the images that name a model.
_MODEL_VARIABLES = ("HF_MODEL_ID", "SM_VLLM_MODEL", "SM_LLAMA_CPP_MODEL", "SM_LLAMA_CPP_HF_REPO")
# SageMaker kills a container so long after it told it to end: no answer is finished after that.
_SIGKILL_SECONDS = 30
_RESTART_SECONDS = 1.0
_ROOT = Path(__file__).parents[3]


class ContainerError(Exception):
    """A container that did not become healthy; the message is the endpoint's failure reason."""


class Container:
    """One model container, a server on a Unix socket: no other program's business."""

    def __init__(self, model: Json, log_group: str, variant: Json) -> None:
        self._definition = _container_definition(model)
        image: str = self._definition["Image"]
        role_arn = model.get("ExecutionRoleArn")
        if role_arn is None:
            raise ContainerError(
                "set the model's ExecutionRoleArn: SageMaker pulls the image with it"
            )
        settings = circumstances.current()
        self._stand_in = settings.service_model
        self._time_scale = settings.time_scale
        try:
            server = images.find(image).server
            check_pull(role_arn, image)
            images.check_host(image, variant["InstanceType"], variant.get("InferenceAmiVersion"))
            logs = roles.client(role_arn, "logs")
        except (images.ImageError, PullError, ServiceError) as error:
            raise ContainerError(str(error)) from error
        if self._stand_in:
            if server not in STOOD_IN_FOR:
                servers = " and ".join(STOOD_IN_FOR)
                raise ContainerError(f"a service model stands in for {servers} only, got {server}")
            server = f"stand-in-{server}"
        self.role_arn = role_arn
        self._folder = processes.temporary_folder()
        self.socket = Path(self._folder.name, "socket")
        self._weights = Path(self._folder.name, "model")
        self._adapters = Path(self._folder.name, "adapters")
        self._weights.mkdir()
        self._adapters.mkdir()
        self._download_weights(role_arn)
        self._server = server
        self._ship = partial(LogShipper, group=log_group, stream_prefix="AllTraffic/", logs=logs)
        self._lock = threading.Lock()  # of starts and the stop
        self._stopped = threading.Event()
        # What a server that started again lacks: its owner gives it, as SageMaker to another copy.
        self.restore: Callable[[], None] = lambda: None
        self._start()

    def wait_until_healthy(self, timeout_seconds: float) -> None:
        """Block until the container answers its health check; raises ContainerError."""
        if processes.wait_until_ready(self._process, self.socket, "/ping", timeout_seconds):
            again = threading.Thread(target=self._start_again, args=(timeout_seconds,), daemon=True)
            again.start()
            return
        ended = self._process.poll() is not None
        self.stop()
        reason = self._log.last_line() if ended else f"no answer in {timeout_seconds:g} s"
        raise ContainerError(
            "The primary container for production variant AllTraffic did not pass the ping "
            f"health check: {reason}"
        )

    def delay_seconds(self, *, busy: bool) -> float:
        """Return how long it takes before an answer, by the circumstances.

        `busy`: it works on other requests.
        """
        source = self._definition.get("ModelDataSource", {}).get("S3DataSource")
        environment = self._definition.get("Environment", {})
        named = [environment[name] for name in _MODEL_VARIABLES if name in environment]
        served = [source["S3Uri"]] if source else named
        slow, settings = circumstances.current().slow_models, circumstances.current().slow_settings
        waits = [slow.get(model, 0) for model in served]
        if busy:
            waits += [settings.get(f"{name}={value}", 0) for name, value in environment.items()]
        return max(waits, default=0)

    @property
    def grace_seconds(self) -> float:
        """Return how long it may still answer when it was told to end.

        A model computes in real time; only a stand-in is faster by the time scale.
        """
        return _SIGKILL_SECONDS / (self._time_scale if self._stand_in else 1)

    def adapter_folder(self, name: str) -> Path:
        """Return an empty folder for the files of an adapter."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._adapters))

    def stop(self) -> None:
        """End the process, and delete its copy of the weights and all that it left."""
        with self._lock:
            self._stopped.set()
        processes.stop(self._process)
        self._folder.cleanup()

    def _start(self) -> None:
        command = [sys.executable, "-m", "embedded_aws.model_server", self._server]
        self._process = processes.start(command, self._environment(), _ROOT)
        self._log = self._ship(self._process)

    def _start_again(self, timeout_seconds: float) -> None:
        """Start the server whenever it has ended, as SageMaker does when its pings fail.

        On a laptop it is what the kernel ends first when memory runs out.
        """
        while True:
            self._process.wait()
            if self._stopped.wait(_RESTART_SECONDS):
                return
            with self._lock:
                if self._stopped.is_set():
                    return
                self._start()
            if processes.wait_until_ready(self._process, self.socket, "/ping", timeout_seconds):
                self.restore()

    def _environment(self) -> dict[str, str]:
        return {
            **processes.inherited_environment(self._folder.name),
            "PYTHONUNBUFFERED": "1",
            **self._definition.get("Environment", {}),
            "UVICORN_UDS": str(self.socket),
            "SM_MODEL_DIR": str(self._weights),
            **self._pace(),
        }

    def _pace(self) -> dict[str, str]:
        if self._stand_in is None:
            return {}
        model = msgspec.json.encode(self._stand_in).decode()
        return {"STAND_IN_SERVICE_MODEL": model, "STAND_IN_TIME_SCALE": str(self._time_scale)}

    def _download_weights(self, role_arn: str) -> None:
        source = self._definition.get("ModelDataSource", {}).get("S3DataSource")
        if source is None or self._stand_in:
            return
        try:
            s3 = roles.client(role_arn, "s3")
            s3_folders.download(s3, source["S3Uri"], self._weights)
        except (ServiceError, s3_folders.TransferError) as error:
            raise ContainerError(
                f"Could not access model data at {source['S3Uri']}: {error}; the embedded AWS "
                "holds no copy of published weights: deploy the environment `local`, or upload a "
                "model there, that the role of the model may read"
            ) from error


def _container_definition(model: Json) -> Json:
    definition: Json | None = model.get("PrimaryContainer")
    if definition is None:
        raise ContainerError("the embedded SageMaker hosts models with a PrimaryContainer only")
    if "ModelPackageName" in definition:
        definition = _with_package(definition)
    if "ModelDataUrl" in definition:
        raise ContainerError("use ModelDataSource for the weights: ModelDataUrl is not emulated")
    return {"Image": "", **definition}


def _with_package(definition: Json) -> Json:
    """Return the package's container, with the environment that the model adds to it."""
    package = model_registry.container(definition["ModelPackageName"])
    environment = {**package.get("Environment", {}), **definition.get("Environment", {})}
    return {**package, **definition, "Environment": environment}
