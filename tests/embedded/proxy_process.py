"""The built proxy as the process that it is on Lambda, in front of any SageMaker runtime."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from embedded_aws.host.processes import free_port, wait_until_ready
from invoke_proxy.settings import ServerName

ROOT = Path(__file__).parents[2]
ASSET = ROOT / "build/invoke_proxy/local"
MODEL = "smollm2-135m-instruct"


def proxy_environment(port: int, sagemaker_port: int, server: ServerName = "tgi") -> dict[str, str]:
    """Return what Lambda and the Web Adapter would give the proxy, and nothing else."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "ENDPOINT_NAME": "endpoint",
        "SERVER": server,
        "MODEL_ID": MODEL,
        "PROMPT_FORMAT": "chatml",
        "TOKENIZER": "smollm2",
        "MAX_INPUT_LENGTH": "1024",
        "MAX_TOTAL_TOKENS": "2048",
        "AWS_LWA_PORT": str(port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{sagemaker_port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
    }


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_proxy(
    sagemaker_port: int,
    server: ServerName = "tgi",
    output: int | IO[bytes] = subprocess.DEVNULL,
    **more: str,
) -> Iterator[Proxy]:
    """Yield a proxy that is ready, for an endpoint with this server; `more` of its environment."""
    subprocess.run([sys.executable, "lambda/build_functions.py", "local"], cwd=ROOT, check=True)
    port = free_port()
    with subprocess.Popen(
        [ASSET / "run.sh"],
        env={**proxy_environment(port, sagemaker_port, server), **more},
        cwd="/",
        stdout=output,
    ) as process:
        try:
            assert wait_until_ready(process, port, "/health", timeout=120)
            yield Proxy(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
