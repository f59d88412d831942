"""Lambda functions that carry the AWS Lambda Web Adapter layer: run as the web servers they are.

The adapter's layer itself is a binary that only AWS holds. What it does is done here: start the
function's own start script, and wait until its readiness path answers; `web_relay` hands over the
requests.
"""

import io
import json
import os
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from local import clients, processes
from local.emulator import Json
from local.emulator_iam import can_assume, function_credentials
from local.logs import LogShipper

_LAYER = ":layer:LambdaAdapterLayer"
_READY_SECONDS = 10  # Lambda's limit for a function's initialization

_running: dict[str, "WebFunction"] = {}
_retired: set["WebFunction"] = set()
_starting = threading.Lock()
_counting = threading.Lock()


def is_web_function(config: Json) -> bool:
    """Whether the function carries the Web Adapter's layer."""
    return any(_LAYER in layer["Arn"] for layer in config.get("Layers", []))


class FunctionError(Exception):
    """A function that did not start or did not answer; the message says how it ended."""


class WebFunction:
    """One function's server process, of one version of its code and configuration."""

    def __init__(self, config: Json, code_zip: bytes) -> None:
        variables = config["Environment"]["Variables"]
        self.version = _version(config)
        self.requests = 0
        self.port = processes.free_port()
        self._code = tempfile.TemporaryDirectory(prefix="local-aws-function-")
        with zipfile.ZipFile(io.BytesIO(code_zip)) as archive:
            archive.extractall(self._code.name)
        self.process = processes.start(
            ["/bin/sh", config["Handler"]], self._environment(config), Path(self._code.name)
        )
        log_group = config["LoggingConfig"]["LogGroup"]
        log = LogShipper(
            self.process,
            log_group,
            time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()),
            logs=_logs(config),
        )
        path = variables.get("AWS_LWA_READINESS_CHECK_PATH", "/")
        if not processes.wait_until_ready(self.process, self.port, path, _READY_SECONDS):
            self.stop()
            raise FunctionError(
                f"{config['FunctionName']} did not answer {path} in {_READY_SECONDS} s: "
                f"{log.last_line()}"
            )

    def stop(self) -> None:
        """End the process and delete its code."""
        processes.stop(self.process)
        self._code.cleanup()

    def _environment(self, config: Json) -> dict[str, str]:
        region = config["FunctionArn"].split(":")[3]
        return {
            **processes.inherited_environment(),
            "LANG": "en_US.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{processes.interpreter_folder()}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config["MemorySize"]),
            "LAMBDA_TASK_ROOT": self._code.name,
            **function_credentials(config),
            **config["Environment"]["Variables"],
            "AWS_LWA_PORT": str(self.port),
        }


def _logs(config: Json) -> Any:  # noqa: ANN401 - boto3 has no types
    """A client that acts as the function's role."""
    key, secret, token = function_credentials(config).values()
    return clients.client(
        "logs",
        region_name=config["FunctionArn"].split(":")[3],
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


def _version(config: Json) -> str:
    kept = ("CodeSha256", "Environment", "Handler", "Role", "MemorySize")
    return json.dumps([config[key] for key in kept], sort_keys=True)


def acquire(config: Json, code_zip: bytes) -> WebFunction:
    """The running server of this version of the function, to be released; blocks on a start."""
    if not can_assume(config["Role"], "lambda.amazonaws.com"):
        raise FunctionError(f"Lambda may not assume the function's role {config['Role']}")
    with _starting:
        function_arn = config["FunctionArn"]
        running = _running.get(function_arn)
        if not (running and running.version == _version(config) and running.process.poll() is None):
            if running:
                retire(_running.pop(function_arn))
            running = _running[function_arn] = WebFunction(config, code_zip)
        with _counting:
            running.requests += 1
        return running


def release(function: WebFunction) -> None:
    """Give a function's server back after a request; the last one of a retired server ends it."""
    with _counting:
        function.requests -= 1
    _stop_if_idle(function)


def retire(function: WebFunction) -> None:
    """End a server once its open streams are over."""
    with _counting:
        _retired.add(function)
    _stop_if_idle(function)


def _stop_if_idle(function: WebFunction) -> None:
    with _counting:
        if function.requests or function not in _retired:
            return
        _retired.remove(function)
    function.stop()


def function_deleted(name: str) -> None:
    """Retire the server of a function that is no more, without waiting for its streams."""
    for function_arn in [arn for arn in _running if arn.endswith(f":function:{name}")]:
        threading.Thread(target=retire, args=[_running.pop(function_arn)]).start()


def stop_all() -> None:
    """End every function's server, whatever it is doing."""
    while _running:
        _running.popitem()[1].stop()
    while _retired:
        _retired.pop().stop()
