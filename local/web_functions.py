"""Lambda functions that carry the AWS Lambda Web Adapter layer: run as the web servers they are.

The adapter's layer itself is a binary that only AWS holds. What it does is done here: start the
function's own start script, wait until its readiness path answers, and hand over each request
with its context in headers.
"""

import asyncio
import io
import json
import os
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import aiohttp

from local import processes
from local.emulator import Chunks, Json, Response, Write, execution_credentials, stream
from local.logs import LogShipper

_LAYER = ":layer:LambdaAdapterLayer"
_READY_SECONDS = 10  # Lambda's limit for a function's initialization
_HOP_HEADERS = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}

_running: dict[str, "WebFunction"] = {}
_starting = threading.Lock()


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
        self.port = processes.free_port()
        self._code = tempfile.TemporaryDirectory(prefix="local-aws-function-")
        with zipfile.ZipFile(io.BytesIO(code_zip)) as archive:
            archive.extractall(self._code.name)
        self.process = processes.start(
            ["/bin/sh", config["Handler"]], self._environment(config), Path(self._code.name)
        )
        log_group = config["LoggingConfig"]["LogGroup"]
        log = LogShipper(
            self.process, log_group, time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime())
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
            "HOME": os.environ.get("HOME", "/tmp"),  # noqa: S108 - what Lambda offers
            "LANG": "en_US.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{processes.interpreter_folder()}:{os.environ['PATH']}",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config["MemorySize"]),
            "LAMBDA_TASK_ROOT": self._code.name,
            **execution_credentials(config),
            **config["Environment"]["Variables"],
            "AWS_LWA_PORT": str(self.port),
        }


def _version(config: Json) -> str:
    kept = ("CodeSha256", "Environment", "Handler", "Role", "MemorySize")
    return json.dumps([config[key] for key in kept], sort_keys=True)


def acquire(config: Json, code_zip: bytes) -> WebFunction:
    """The running server of this version of the function; blocks while one starts."""
    with _starting:
        function_arn = config["FunctionArn"]
        running = _running.get(function_arn)
        if running and running.version == _version(config) and running.process.poll() is None:
            return running
        if running:
            running.stop()
        _running[function_arn] = WebFunction(config, code_zip)
        return _running[function_arn]


def stop_all() -> None:
    """End every function's server."""
    while _running:
        _running.popitem()[1].stop()


async def relay(config: Json, code_zip: bytes, event: Json, body: bytes) -> Response:
    """Hand an API Gateway event to the function; its answer is streamed chunk by chunk.

    Raises FunctionError when no answer begins within the function's timeout.
    """
    function = await asyncio.to_thread(acquire, config, code_zip)
    seconds = float(config["Timeout"])
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=seconds), auto_decompress=False
    )
    try:
        answer = await session.request(
            event["httpMethod"],
            f"http://127.0.0.1:{function.port}{event['path']}",
            params=_query(event),
            data=body,
            headers=_headers(event, seconds),
            allow_redirects=False,
        )
    except (aiohttp.ClientError, TimeoutError) as fault:
        await session.close()
        raise FunctionError(f"{config['FunctionName']}: {type(fault).__name__}") from fault
    except BaseException:
        await session.close()
        raise
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_HEADERS}
    return answer.status, headers, stream(_chunks(session, answer))


def _query(event: Json) -> list[tuple[str, str]]:
    values: dict[str, list[str]] = event["multiValueQueryStringParameters"] or {}
    return [(name, value) for name in values for value in values[name]]


def _headers(event: Json, seconds: float) -> dict[str, str]:
    kept = {k: v for k, v in event["headers"].items() if k.lower() not in _HOP_HEADERS}
    context = {
        "request_id": event["requestContext"]["requestId"],
        "deadline": int((time.time() + seconds) * 1000),
    }
    return {
        **kept,
        "x-amzn-request-context": json.dumps(event["requestContext"]),
        "x-amzn-lambda-context": json.dumps(context),
    }


def _chunks(session: aiohttp.ClientSession, answer: aiohttp.ClientResponse) -> Chunks:
    async def write_chunks(write: Write) -> None:
        try:
            async for chunk in answer.content.iter_any():
                await write(chunk)
        finally:
            answer.close()  # so that a client's leaving reaches the function
            await asyncio.shield(session.close())

    return write_chunks
