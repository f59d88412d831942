"""Lambda functions that carry the AWS Lambda Web Adapter layer: run as the web servers they are.

The adapter's layer itself is a binary that only AWS holds. What it does is done here: start the
function's own start script, and wait until its readiness path answers; `relay` hands over the
requests.

The adapter trusts whoever reaches the function's port: on Lambda nobody else does, here every
program and every web page would. So the function listens on a Unix socket, which uvicorn takes from
its environment and prefers to the port of its command line.
"""

import asyncio
import io
import json
import logging
import os
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from embedded_aws.core import clients
from embedded_aws.core.emulator import Json
from embedded_aws.core.logs import LogShipper
from embedded_aws.gateway.snapshots import (
    RESTORED,
    WEB_ADAPTER,
    calls_hooks,
    failed_hook,
    has_snapshot,
)
from embedded_aws.host import processes
from embedded_aws.iam.permissions import can_assume, function_credentials

_running: dict[str, "WebFunction"] = {}
_retired: set["WebFunction"] = set()
_starting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
_counting = threading.Lock()


def unqualified_arn(config: Json) -> str:
    """Return the function's ARN, without the number of a version."""
    return ":".join(config["FunctionArn"].split(":")[:7])


def is_web_function(config: Json) -> bool:
    """Return whether the function carries the Web Adapter's layer."""
    return any(WEB_ADAPTER in layer["Arn"] for layer in config.get("Layers", []))


def is_true_here(record: logging.LogRecord) -> bool:
    """Return False for ministack's warning that the layer will not run: this module stands in."""
    said = record.getMessage()
    return WEB_ADAPTER not in said or "not held by MiniStack" not in said


class FunctionError(Exception):
    """A function that did not start or did not answer; the message says how it ended."""


class WebFunction:
    """One function's server process, of one version of its code and configuration."""

    def __init__(self, config: Json, code_zip: bytes, hooks: Sequence[str] = RESTORED) -> None:
        variables = config["Environment"]["Variables"]
        self.version = _version(config)
        self.arn = config["FunctionArn"]
        self.requests = 0
        self._folder = processes.temporary_folder()
        self.socket = Path(self._folder.name, "socket")
        self._code = Path(self._folder.name, "code")
        with zipfile.ZipFile(io.BytesIO(code_zip)) as archive:
            archive.extractall(self._code)
        self.process = processes.start(
            ["/bin/sh", config["Handler"]], self._environment(config), self._code
        )
        log_group = config["LoggingConfig"]["LogGroup"]
        log = LogShipper(
            self.process,
            log_group,
            time.strftime(f"%Y/%m/%d/[{config['Version']}]", time.gmtime()),
            logs=_logs(config),
        )
        path = variables.get("AWS_LWA_READINESS_CHECK_PATH", "/")
        # An initialization of more than 10 s is repeated by Lambda, within the function's timeout.
        seconds = float(config["Timeout"])
        if not processes.wait_until_ready(self.process, self.socket, path, seconds):
            self.stop()
            raise FunctionError(
                f"{config['FunctionName']} did not answer {path} in {seconds:g} s on the "
                f"Unix socket of UVICORN_UDS, the one that is emulated: {log.last_line()}"
            )
        if calls_hooks(config) and (hook := failed_hook(variables, self.socket, hooks)):
            self.stop()
            raise FunctionError(f"{config['FunctionName']} failed the SnapStart hook {hook}")

    def stop(self) -> None:
        """End the process, and delete its code and its temporary files."""
        processes.stop(self.process)
        self._folder.cleanup()

    def kill(self) -> None:
        """End the process at once, whatever it is doing, and delete its files."""
        self.process.kill()
        self.stop()

    def _environment(self, config: Json) -> dict[str, str]:
        region = config["FunctionArn"].split(":")[3]
        return {
            **processes.inherited_environment(self._folder.name),
            "LANG": "en_US.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{processes.interpreter_folder()}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config["MemorySize"]),
            "LAMBDA_TASK_ROOT": str(self._code),
            **function_credentials(config),
            **config["Environment"]["Variables"],
            "AWS_LWA_PORT": "8080",  # the adapter's default
            "UVICORN_UDS": str(self.socket),
        }


def _logs(config: Json) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client that acts as the function's role."""
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


@asynccontextmanager
async def acquired(config: Json, code_zip: bytes) -> AsyncIterator[WebFunction]:
    """Lend the running server of this version of the function, which is started if need be."""
    function = await _acquire(config, code_zip)
    try:
        yield function
    finally:
        with _counting:
            function.requests -= 1
        await _stop_if_idle(function)


async def _acquire(config: Json, code_zip: bytes) -> WebFunction:
    if not can_assume(config["Role"], "lambda.amazonaws.com"):
        raise FunctionError(f"Lambda may not assume the function's role {config['Role']}")
    if has_snapshot(config) and config["State"] != "Active":
        raise FunctionError(f"{config['FunctionArn']} is {config['State']}")
    arn = unqualified_arn(config)
    # Who waits for a start waits here: waiting in threads, a crowd would take all that there are.
    async with _starting[arn]:
        running = _take_running(config)
        if running is None:
            await _retire(arn)
            started = await asyncio.to_thread(WebFunction, config, code_zip)
            with _counting:
                _running[arn] = started
                started.requests += 1
            return started
        return running


def _take_running(config: Json) -> WebFunction | None:
    with _counting:
        running = _running.get(unqualified_arn(config))
        if not running or running.version != _version(config) or running.process.poll() is not None:
            return None
        running.requests += 1
        return running


async def _retire(function_arn: str) -> None:
    """End a server once its open streams are over."""
    with _counting:
        function = _running.pop(function_arn, None)
        if function:
            _retired.add(function)
    if function:
        await _stop_if_idle(function)


async def _stop_if_idle(function: WebFunction) -> None:
    if _is_over(function):
        await asyncio.to_thread(function.stop)


def _is_over(function: WebFunction) -> bool:
    with _counting:
        if function.requests or function not in _retired:
            return False
        _retired.remove(function)
        return True


def function_deleted(name: str) -> None:
    """Retire the server of a function that is no more, without waiting for its streams."""
    with _counting:
        deleted = [arn for arn in _running if arn.endswith(f":function:{name}")]
        functions = [_running.pop(arn) for arn in deleted]
        _retired.update(functions)
    for function in filter(_is_over, functions):
        threading.Thread(target=function.stop).start()


def version_deleted(arn: str) -> None:
    """End the server of a published version that is deleted, and the streams in it.

    Nobody has documented whether Lambda lets them end: whoever relies on it is to find out here.
    """
    with _counting:
        for unqualified in [key for key, each in _running.items() if each.arn == arn]:
            _retired.add(_running.pop(unqualified))
        functions = [each for each in _retired if each.arn == arn]
        _retired.difference_update(functions)
    for function in functions:
        threading.Thread(target=function.kill).start()


def stop_all() -> None:
    """End every function's server, whatever it is doing."""
    while _running:
        _running.popitem()[1].stop()
    while _retired:
        _retired.pop().stop()
