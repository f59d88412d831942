"""Benchmark of what the proxy adds to a stream, beside LiteLLM: `python -m bench.proxy`.

The same client asks the model's stub directly, through the proxy and through LiteLLM, in one run.
What a way adds is its median less that of the direct way.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench.proxy.client import TOKENS, Load, Target, measure, rounds
from bench.proxy.servers import LITELLM, ROOT, Server, litellm, proxy, stub

_CONCURRENCY = (1, 16, 128)
_STARTS = 5
_DIRECT = "stub alone"
# One process for each server's wire; the first is also compared with what is not ours.
_PROXIES = {"proxy": "tgi", "of vLLM": "vllm", "of llama.cpp": "llama-cpp"}


def main() -> None:
    """Start all, measure in turn, and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--asset", type=Path, default=ROOT / "build/invoke_proxy/local")
    arguments.add_argument("--against", type=Path, help="another build of the proxy")
    asked = arguments.parse_args()
    with ExitStack() as stack:
        model = stack.enter_context(stub())
        servers = {
            name: stack.enter_context(proxy(asked.asset, model.port, model_server))
            for name, model_server in _PROXIES.items()
        }
        if asked.against:
            servers["other build"] = stack.enter_context(proxy(asked.against, model.port))
        if LITELLM.exists():
            servers["LiteLLM"] = stack.enter_context(litellm(model.port))
        targets = [_direct(model), *(_chat(name, each) for name, each in servers.items())]
        for target in targets:
            measure(target, 2)  # warms up
        _print_streams(targets, servers)
        _print_processes(asked.asset, model.port, servers)


def _direct(model: Server) -> Target:
    body = {"inputs": "Hi", "parameters": {"max_new_tokens": TOKENS}, "stream": True}
    return Target(_DIRECT, model.port, "/", json.dumps(body).encode(), b"\r\n0\r\n\r\n")


def _chat(name: str, server: Server) -> Target:
    body = {
        "model": "smollm2-135m-instruct",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": TOKENS,
        "stream": True,
    }
    path = "/v1/chat/completions"
    return Target(name, server.port, path, json.dumps(body).encode(), b"data: [DONE]")


def _print_streams(targets: list[Target], servers: dict[str, Server]) -> None:
    print(f"{'':<13}{'streams':>8}{'first token':>13}{'added':>9}{'a token':>10}{'added':>9}"
          f"{'CPU a token':>13}{'lost':>10}")  # fmt: skip
    for concurrency in _CONCURRENCY:
        direct: Load | None = None
        for target in targets:
            before = servers[target.name].cpu_seconds if target.name in servers else 0.0
            got = measure(target, concurrency)
            direct = direct or got
            spent = servers[target.name].cpu_seconds - before if target.name in servers else 0.0
            _print_row(target.name, concurrency, got, direct, spent)


def _print_row(name: str, concurrency: int, got: Load, direct: Load, cpu_seconds: float) -> None:
    streams = concurrency * rounds(concurrency)
    first = statistics.median(got.first_tokens) * 1000
    token = statistics.median(got.on_the_way) * 1000
    added = (
        first - statistics.median(direct.first_tokens) * 1000,
        token - statistics.median(direct.on_the_way) * 1000,
    )
    cpu = 1e6 * cpu_seconds / (streams * TOKENS)
    print(f"{name:<13}{concurrency:>8}{first:>10.1f} ms{added[0]:>6.1f} ms{token:>7.2f} ms"
          f"{added[1]:>6.2f} ms{cpu:>10.0f} µs{got.lost:>5} of {streams}")  # fmt: skip


def _print_processes(asset: Path, sagemaker_port: int, servers: dict[str, Server]) -> None:
    print(f"\n{'':<22}{'start to ready':>16}{'memory at most':>16}")
    print(f"{'`import boto3` alone':<22}{_seconds_of_import():>14.2f} s")
    for name, server in servers.items():
        seconds = server.seconds_to_ready
        if name == "proxy":
            seconds = _seconds_to_ready(asset, sagemaker_port)
        print(f"{name:<22}{seconds:>14.2f} s{server.megabytes:>13.0f} MB")


def _seconds_to_ready(asset: Path, sagemaker_port: int) -> float:
    taken = []
    for _ in range(_STARTS):
        with proxy(asset, sagemaker_port) as server:
            taken.append(server.seconds_to_ready)
    return statistics.median(taken)


def _seconds_of_import() -> float:
    taken = []
    for _ in range(_STARTS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import boto3"], check=True, env=os.environ)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
