"""The processes that are measured: the model's stub, the built proxy, and LiteLLM's proxy."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from embedded_aws.host.processes import free_port

ROOT = Path(__file__).parents[2]
LITELLM = ROOT / ".venv-bench/bin/litellm"

_ENDPOINT = "/endpoints/endpoint/invocations-response-stream"
_CREDENTIALS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION_NAME": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "y",
}
_READY_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A process that is ready."""

    process: subprocess.Popen[bytes]
    port: int
    seconds_to_ready: float

    @property
    def megabytes(self) -> float:
        """The most memory that it has held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(kilobytes[1]) / 1024 if kilobytes else float("nan")

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def stub() -> Iterator[Server]:
    """The SageMaker runtime that emits tokens at a fixed rate."""
    port = free_port()
    command = [sys.executable, "-m", "bench.proxy.stub", str(port)]
    with _running(command, port, "/", os.environ, cwd=ROOT) as server:
        yield server


@contextmanager
def proxy(
    asset: Path,
    sagemaker_port: int,
    model_server: str = "tgi",
    more: Mapping[str, str] = MappingProxyType({}),
    group: Path | None = None,
) -> Iterator[Server]:
    """The built function for an endpoint with this server, as it runs on Lambda.

    Without a control group it takes all the CPU that there is.
    """
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ENDPOINT_NAME": "endpoint",
        "SERVER": model_server,
        "MODEL_ID": "smollm2-135m-instruct",
        "PROMPT_FORMAT": "chatml",
        "TOKENIZER": "smollm2",
        "MAX_INPUT_LENGTH": "1024",
        "MAX_TOTAL_TOKENS": "2048",
        "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's file system is read-only
        "AWS_LWA_PORT": str(port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{sagemaker_port}",
        **_CREDENTIALS,
        **more,
    }
    command = [str(asset.resolve() / "run.sh")]
    if group:
        # The shell enters the group, and so does what it becomes.
        enter = f'echo $$ > {group / "cgroup.procs"} && exec "$0"'
        command = ["/bin/sh", "-c", enter, *command]
    with _running(command, port, "/health", environment) as server:
        yield server


@contextmanager
def litellm(sagemaker_port: int) -> Iterator[Server]:
    """LiteLLM's proxy with its SageMaker provider, one worker."""
    port = free_port()
    parameters = {
        "model": "sagemaker/endpoint",
        "sagemaker_base_url": f"http://127.0.0.1:{sagemaker_port}{_ENDPOINT}",
    }
    model = {"model_name": "smollm2-135m-instruct", "litellm_params": parameters}
    environment = {
        "PATH": os.environ["PATH"],
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it asks the internet at its start
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # API Gateway checks keys
        **_CREDENTIALS,
    }
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"  # JSON is YAML
        config.write_text(json.dumps({"model_list": [model]}))
        command = [str(LITELLM), "--config", str(config), "--host", "127.0.0.1"]
        with _running(
            [*command, "--port", str(port), "--telemetry", "False"],
            port, "/health/liveliness", {**environment, "HOME": folder},
        ) as server:  # fmt: skip
            yield server


@contextmanager
def _running(
    command: Sequence[str],
    port: int,
    path: str,
    environment: Mapping[str, str],
    cwd: Path = Path("/"),
) -> Iterator[Server]:
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - one of the three above
        command, env=environment, cwd=cwd, stdout=subprocess.DEVNULL
    ) as process:
        try:
            while not _answers(port, path):
                if process.poll() is not None or time.perf_counter() - started > _READY_SECONDS:
                    raise SystemExit(f"`{command[0]}` does not start")
                time.sleep(0.002)
            yield Server(process, port, time.perf_counter() - started)
        finally:
            process.terminate()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.connect()
        if path == "/":
            return True
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
