"""The tools that measure the server of known delays: ours, AIPerf and guidellm."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import aiohttp

from bench.load.arrivals import Users
from bench.load.generator import Cell, Limits, Recorded, measure
from bench.load.prompts import prompts
from bench.load.targets import RestApi
from bench.results.figures import Objective, figures_of
from bench.trust.cpu import watched
from bench.trust.stub import WALL_CLOCK

TOKENS, WORDS, WARM_UP_SECONDS = 50, 128, 3


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a tool says: seconds, and tokens a second; all but the 95th percentiles are means."""

    window: tuple[float, float]  # by the wall clock, in which what it counted ended
    first_token: float
    first_token_p95: float
    inter_token: float
    latency: float
    latency_p95: float
    throughput: float
    cpu_share: float


Tool = Callable[[str, int, float, Path], Measured]  # URL, users, seconds, a folder to write to


def ours(url: str, users: int, seconds: float, _scratch: Path) -> Measured:
    """Measure with `bench.load`, as `python -m bench run` does; raises ValueError."""
    load = Users(users)
    recorded = asyncio.run(_recorded(url, load, seconds))
    objective = Objective(time_to_first_token_seconds=1, inter_token_latency_seconds=1)
    cell = figures_of(recorded, WORDS, TOKENS, load, objective)
    if cell.failures:
        raise ValueError(f"requests failed with {users} users: {cell.failures}")
    begun, ended = recorded.window
    return Measured(
        window=(begun + WALL_CLOCK, ended + WALL_CLOCK),
        first_token=cell.time_to_first_token.mean,
        first_token_p95=cell.time_to_first_token.p95,
        inter_token=cell.inter_token_latency.mean,
        latency=cell.request_latency.mean,
        latency_p95=cell.request_latency.p95,
        throughput=cell.output_token_throughput,
        cpu_share=cell.client_cpu_share,
    )


async def _recorded(url: str, load: Users, seconds: float) -> Recorded:
    limits = Limits(
        warm_up_seconds=WARM_UP_SECONDS,
        min_seconds=seconds,
        min_requests=1,
        max_seconds=seconds,
        request_timeout_seconds=60,
        max_failure_share=0,
    )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        cell = Cell(
            target=RestApi(session=session, base_url=url, api_key="none", model="stub"),
            prompts=prompts(WORDS, "trust"),
            tokens=TOKENS,
            load=load,
            limits=limits,
            disconnect_share=0,
            seed="trust",
        )
        return await measure(cell, lambda _snapshot: None)


def aiperf(program: Path, tokenizer: Path) -> Tool:
    """Return AIPerf, which wants a tokenizer but lets the server count."""

    def run(url: str, users: int, seconds: float, scratch: Path) -> Measured:
        out = scratch / f"aiperf-{users}"
        command = [
            str(program), "profile", "--model=stub", f"--url={url}", "--endpoint-type=completions",
            "--streaming", f"--concurrency={users}", f"--benchmark-duration={seconds}",
            f"--warmup-request-count={max(2, users)}", f"--synthetic-input-tokens-mean={WORDS}",
            f"--extra-inputs=max_tokens:{TOKENS}", f"--tokenizer={tokenizer}",
            "--use-server-token-count", "--ui=none", f"--artifact-dir={out}", "--no-gpu-telemetry",
            "--no-server-metrics",
        ]  # fmt: skip
        return _run(command, out / "profile_export_aiperf.json", scratch, read_aiperf)

    return run


def read_aiperf(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of AIPerf's summary."""
    window = tuple(
        datetime.fromisoformat(said[name]).astimezone().timestamp()
        for name in ("start_time", "end_time")
    )
    first, latency = said["time_to_first_token"], said["request_latency"]
    return {
        "window": window,
        "first_token": first["avg"] / 1000,
        "first_token_p95": first["p95"] / 1000,
        "inter_token": said["inter_token_latency"]["avg"] / 1000,
        "latency": latency["avg"] / 1000,
        "latency_p95": latency["p95"] / 1000,
        "throughput": said["output_token_throughput"]["avg"],
    }


def guidellm(program: Path, tokenizer: Path) -> Tool:
    """Return guidellm, which wants a tokenizer to write prompts."""

    def run(url: str, users: int, seconds: float, scratch: Path) -> Measured:
        out = scratch / f"guidellm-{users}.json"
        command = [
            str(program), "run",
            f"--backend=kind=openai_http,target={url},model=stub,request_format=/v1/completions",
            f"--profile=kind=concurrent,streams={users},warmup={WARM_UP_SECONDS}",
            f"--constraint=kind=max_duration,seconds={seconds + WARM_UP_SECONDS}",
            f"--data=kind=synthetic_text,prompt_tokens={WORDS},output_tokens={TOKENS}",
            f"--tokenizer=kind=hf_auto,model={tokenizer}", f"--output=kind=json,path={out}",
            "--disable-console",
        ]  # fmt: skip
        return _run(command, out, scratch, read_guidellm)

    return run


def read_guidellm(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of guidellm's report; its throughput counts unfinished answers too."""
    (benchmark,) = said["benchmarks"]
    metrics = benchmark["metrics"]

    def whole(name: str) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", metrics[name]["successful"])

    first, latency = whole("time_to_first_token_ms"), whole("request_latency")
    return {
        "window": (benchmark["start_time"], benchmark["end_time"]),
        "first_token": first["mean"] / 1000,
        "first_token_p95": first["percentiles"]["p95"] / 1000,
        "inter_token": whole("inter_token_latency_ms")["mean"] / 1000,
        "latency": latency["mean"],
        "latency_p95": latency["percentiles"]["p95"],
        "throughput": metrics["output_tokens_per_second"]["total"]["mean"],
    }


def _run(
    command: Sequence[str],
    result: Path,
    scratch: Path,
    read: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> Measured:
    """Run a tool to its end and read what it wrote; raises ValueError."""
    with (scratch / "log").open("w+b") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=scratch)  # noqa: S603 - given by whoever runs this
        with watched(process.pid) as cpu:
            code = process.wait()
        if code or not result.exists():
            log.seek(0)
            end = log.read().decode(errors="replace")[-2000:]
            raise ValueError(f"{command[0]} ended with {code}:\n{end}")
    figures = read(json.loads(result.read_text(encoding="utf-8")))
    return Measured(**figures, cpu_share=cpu.share(*figures["window"]))
