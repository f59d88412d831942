"""Benchmark of each server through the API, beside it asked directly: `python bench/streaming.py`.

It needs the embedded AWS, as `make up` leaves it. The same greedy prompts go, in turn and one at a
time, to each server itself, to another one like it through the built proxy and an endpoint of the
embedded SageMaker, and to the deployed one through its REST API. Prints the medians of the time to
the first token and of tokens a second after it.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.endpoints import SERVERS, Server, direct, endpoint, role
from bench.proxy.servers import ROOT, proxy
from embedded_aws.host import contents, credentials, home
from operate.api.deployment import Deployment, find_deployment
from operate.laptop.account import local_environment

_RUNS = 15
_TOKENS = 64
_PROMPT = "Once upon a time, a ship left the harbour of"


@dataclass
class Way:
    """A way to one server, and what was measured of it."""

    name: str
    url: str
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    first_token_seconds: list[float] = field(default_factory=list)
    tokens_per_second: list[float] = field(default_factory=list)

    def measure(self, client: httpx2.Client, run: int) -> None:
        """Stream one answer; each run has a prompt of its own, so no cache helps."""
        prompt = {"inputs" if "parameters" in self.body else "prompt": f"{run} {_PROMPT}"}
        asked = {**self.body, **prompt}
        begun = time.perf_counter()
        with client.stream(
            "POST", self.url, json=asked, headers=self.headers, timeout=60
        ) as answer:
            answer.raise_for_status()
            arrivals = [time.perf_counter() for text in _texts(answer) if text]
        if run:  # the first warms up
            self.first_token_seconds.append(arrivals[0] - begun)
            self.tokens_per_second.append((len(arrivals) - 1) / (arrivals[-1] - arrivals[0]))


def _texts(answer: httpx2.Response) -> Iterator[str]:
    for event in httpx2.EventSource(answer):
        if event.data != "[DONE]":
            frame: dict[str, Any] = json.loads(event.data)
            choices = frame.get("choices", [])
            yield (
                frame["token"]["text"] if "token" in frame else "".join(c["text"] for c in choices)
            )


def _completion(**more: object) -> dict[str, object]:
    return {"max_tokens": _TOKENS, "temperature": 0, "stream": True, **more}


def _directly(server: Server, url: str) -> Way:
    if server.name == "tgi":
        body: dict[str, object] = {"parameters": {"max_new_tokens": _TOKENS}}
    else:
        body = _completion(cache_prompt=False)
    return Way("asked directly", f"{url}{server.route}", body)


def _rest_api(deployed: Deployment) -> Way:
    key = {"Authorization": f"Bearer {deployed.api_key}"}
    body = _completion(model=deployed.model)
    return Way("REST API, as deployed", f"{deployed.base_url}/v1/completions", body, key)


def _ways(server: Server, stack: ExitStack, role_arn: str, registry: str) -> list[Way]:
    name = stack.enter_context(endpoint(server, role_arn, registry))
    key_id, secret = credentials.ensure(home.HOME)
    variables = {
        "ENDPOINT_NAME": name,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
    }
    asset = ROOT / "build/invoke_proxy/local"
    running = stack.enter_context(proxy(asset, home.PORT, server.name, variables))
    url = f"http://127.0.0.1:{running.port}/v1/completions"
    body = _completion(model="smollm2-135m-instruct")
    return [
        _directly(server, stack.enter_context(direct(server))),
        Way("through the proxy", url, body),
    ]


def main() -> None:
    """Measure the ways to each server in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [server.name for server in SERVERS]
    parser.add_argument("--server", choices=names, help="all by default")
    only = parser.parse_args().server
    deployed = find_deployment(local_environment())
    image = _image(deployed.sagemaker_endpoint)
    print(f"{'':<32}{'first token, ms':>17}{'tokens/s':>10}   (medians of {_RUNS})")
    with role() as role_arn, httpx2.Client() as client:
        for server in (each for each in SERVERS if only in {None, each.name}):
            with ExitStack() as stack:
                ways = _ways(server, stack, role_arn, image.partition("/")[0])
                if f"/{server.image.partition(':')[0]}" in image:
                    ways.append(_rest_api(deployed))
                for run in range(_RUNS + 1):
                    for way in ways:
                        way.measure(client, run)
            for way in ways:
                first = statistics.median(way.first_token_seconds) * 1000
                rate = statistics.median(way.tokens_per_second)
                print(f"{server.name:<10}{way.name:<22}{first:>17.1f}{rate:>10.1f}", flush=True)


def _image(endpoint_name: str) -> str:
    sagemaker = contents.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=endpoint_name)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    return str(model["PrimaryContainer"]["Image"])


if __name__ == "__main__":
    main()
