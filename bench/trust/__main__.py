"""Sets the benchmark beside what a server knows of its own delays: `python -m bench.trust`.

With `--aiperf` and `--tokenizer`, AIPerf measures the same server in the same run: the program, in
an environment of its own, and a folder with any tokenizer, which it wants but does not use.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import aiohttp
import httpx

from bench.load.targets import RestApi
from bench.options import Options
from bench.results.store import Run
from bench.results.table import failures_text, markdown
from bench.run import run_cells
from embedded_aws.host.processes import free_port, wait_until_ready

_USERS = (1, 4, 16, 64, 128)
_TOKENS, _WORDS, _SECONDS = 50, 128, 12.0
_HEAD = (
    "users", "tool", "first token, ms", "known", "latency, ms", "known", "tokens/s", "known",
    "off by at most", "its CPU",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What a tool says, in seconds and tokens a second, and its share of a core."""

    time_to_first_token: float
    request_latency: float
    throughput: float
    cpu_share: float


def main() -> None:
    """Measure at each number of users with each tool, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.trust", description=__doc__)
    parser.add_argument("--aiperf", type=Path, help="the program `aiperf`")
    parser.add_argument("--tokenizer", type=Path, help="a folder with a tokenizer, for AIPerf")
    given = parser.parse_args()
    rows = []
    with _stub() as url, tempfile.TemporaryDirectory() as scratch:
        for users in _USERS:
            rows.append(_row(users, "this", _ours(url, users, Path(scratch)), _truth(url)))
            if given.aiperf:
                theirs = _aiperf(given.aiperf, given.tokenizer, url, users, Path(scratch))
                rows.append(_row(users, "AIPerf", theirs, _truth(url)))
            print(rows[-1], file=sys.stderr)
    print(markdown(_HEAD, rows))


@contextmanager
def _stub() -> Iterator[str]:
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "bench.trust.stub", str(port)])  # noqa: S603 - our own server
    try:
        if not wait_until_ready(server, port, "/v1/models", 20):
            raise SystemExit("the server of known delays did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _truth(url: str) -> dict[str, float]:
    return dict(httpx.get(f"{url}/truth").json())


def _ours(url: str, users: int, scratch: Path) -> Measured:
    options = Options(
        target=url, words=(_WORDS,), users=(users,), tokens=_TOKENS, seconds=_SECONDS, requests=8
    )
    run = Run.create(scratch / f"ours-{users}", options)
    asyncio.run(_measure(run, url))
    ((cell, _),) = run.cells()
    if cell.failures:
        raise SystemExit(f"requests failed with {users} users: {failures_text(cell)}")
    return Measured(
        cell.time_to_first_token.mean,
        cell.request_latency.mean,
        cell.output_token_throughput,
        cell.client_cpu_share,
    )


async def _measure(run: Run, url: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        target = RestApi(session=session, base_url=url, api_key="none", model="stub")
        await run_cells(run, target, lambda *_: None, lambda *_: None)


def _aiperf(program: Path, tokenizer: Path, url: str, users: int, scratch: Path) -> Measured:
    out = scratch / f"aiperf-{users}"
    command = [
        str(program), "profile", "--model=stub", f"--url={url}", "--endpoint-type=completions",
        "--streaming", f"--concurrency={users}", f"--benchmark-duration={_SECONDS}",
        f"--warmup-request-count={max(2, users)}", f"--synthetic-input-tokens-mean={_WORDS}",
        f"--extra-inputs=max_tokens:{_TOKENS}", f"--tokenizer={tokenizer}",
        "--use-server-token-count", "--ui=none", f"--artifact-dir={out}", "--no-gpu-telemetry",
        "--no-server-metrics",
    ]  # fmt: skip
    before, begun = getrusage(RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - given by whoever runs this
    after, seconds = getrusage(RUSAGE_CHILDREN), time.monotonic() - begun
    said = json.loads((out / "profile_export_aiperf.json").read_text(encoding="utf-8"))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(
        said["time_to_first_token"]["avg"] / 1000,
        said["request_latency"]["avg"] / 1000,
        said["output_token_throughput"]["avg"],
        cpu / seconds,
    )


def _row(users: int, tool: str, said: Measured, truth: dict[str, float]) -> list[str]:
    known = (
        truth["time_to_first_token"],
        truth["request_latency"],
        users * _TOKENS / truth["request_latency"],
    )
    off = max(
        abs(figure / true - 1)
        for figure, true in zip(
            (said.time_to_first_token, said.request_latency, said.throughput), known, strict=True
        )
    )
    return [
        str(users),
        tool,
        f"{said.time_to_first_token * 1000:.1f}",
        f"{known[0] * 1000:.1f}",
        f"{said.request_latency * 1000:.1f}",
        f"{known[1] * 1000:.1f}",
        f"{said.throughput:.1f}",
        f"{known[2]:.1f}",
        f"{off:.1%}",
        f"{said.cpu_share:.0%}",
    ]


if __name__ == "__main__":
    main()
