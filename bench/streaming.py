"""Benchmark of the REST API beside the model server alone: `python bench/streaming.py`.

It needs `make up`. The same greedy prompts go to the deployed REST API and to a model server of the
same settings that is asked directly, in turn, one at a time. Prints the medians of time to first
token and of tokens a second after it.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1]))

from embedded_aws.host import contents, processes
from operate.api.deployment import find_deployment
from operate.laptop.account import local_environment

_RUNS = 15
_TOKENS = 64
_START_SECONDS = 20
_PROMPT = "Once upon a time, a ship left the harbour of"


@dataclass(frozen=True)
class Measured:
    """One streamed answer: seconds to its first token, and tokens a second after it."""

    first_token_seconds: float
    tokens_per_second: float


def measure(client: httpx2.Client, url: str, headers: dict[str, str], run: int) -> Measured:
    """Stream one answer from a TGI route; each run has a prompt of its own, so no cache helps."""
    body = {"inputs": f"{run} {_PROMPT}", "parameters": {"max_new_tokens": _TOKENS}}
    begun = time.perf_counter()
    with client.stream("POST", url, json=body, headers=headers, timeout=60) as answer:
        answer.raise_for_status()
        arrivals = [time.perf_counter() for _ in httpx2.EventSource(answer)]
    return Measured(arrivals[0] - begun, (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]))


@contextmanager
def model_server(endpoint: str) -> Iterator[str]:
    """A model server with the settings of the deployed model."""
    sagemaker = contents.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    port = processes.free_port()
    environment = {
        **os.environ,
        **model["PrimaryContainer"]["Environment"],
        "PORT": str(port),
        "SM_MODEL_DIR": "/nowhere",
    }
    command = [sys.executable, "-m", "embedded_aws.model_server", "tgi"]
    root = Path(__file__).parents[1]
    server = subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.DEVNULL)  # noqa: S603 - our own server
    try:
        if not processes.wait_until_ready(server, port, "/ping", _START_SECONDS):
            raise SystemExit("the model server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Measure both in turn, and print the table."""
    deployed = find_deployment(local_environment())
    key = {"Authorization": f"Bearer {deployed.api_key}"}
    with model_server(deployed.sagemaker_endpoint) as direct_url, httpx2.Client() as client:
        ways = {
            "model server": (f"{direct_url}/generate_stream", {}),
            "REST API": (f"{deployed.base_url}/generate_stream", key),
        }
        measured: dict[str, list[Measured]] = {name: [] for name in ways}
        for run in range(_RUNS + 1):
            for name, (url, headers) in ways.items():
                result = measure(client, url, headers, run)
                if run:  # the first warms up
                    measured[name].append(result)
    print(f"{'':<14}{'first token, ms':>17}{'tokens/s':>10}   (medians of {_RUNS})")
    for name, results in measured.items():
        first = statistics.median(r.first_token_seconds for r in results) * 1000
        rate = statistics.median(r.tokens_per_second for r in results)
        print(f"{name:<14}{first:>17.1f}{rate:>10.1f}")


if __name__ == "__main__":
    main()
