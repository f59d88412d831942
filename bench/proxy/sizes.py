"""The proxy with the CPU that each size of a function has: `python -m bench.proxy.sizes`, as root.

Lambda gives CPU in proportion to memory, a whole one at 1,769 MiB. A control group bounds the built
proxy to that share of this machine's CPU, as a Linux scheduler does it on Lambda.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.proxy.client import TOKENS, Target, measure
from bench.proxy.servers import ROOT, Server, proxy, stub

_SIZES_MIB = (128, 256, 512, 1024, 1769)
_WHOLE_CPU_MIB = 1769
# Unverified: Lambda's period, from measurements by others: the shorter, the shorter each pause.
_PERIOD_US = 20_000
_GROUPS = Path("/sys/fs/cgroup")
_STARTS = 3
_STREAMS = 8  # one after the other: an environment serves one at a time
_WORDS = 6000  # of a prompt that nearly fills a window of 8,192 tokens
# The model of the environments, and not the laptop's.
_MODEL = {
    "TOKENIZER": "mistral-v1",
    "PROMPT_FORMAT": "mistral-instruct",
    "MODEL_ID": "mistral-7b-instruct",
    "MAX_INPUT_LENGTH": "8191",
    "MAX_TOTAL_TOKENS": "8192",
}


def main() -> None:
    """Measure each size in turn, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--asset", type=Path, default=ROOT / "build/invoke_proxy/local")
    asset = arguments.parse_args().asset
    print("| MiB | CPU | start to ready | peak memory | added to the first token"
          " | with a long prompt | added per token | CPU of a stream's second |")  # fmt: skip
    print("| ---: " * 8 + "|")
    with stub() as model:
        for size in _SIZES_MIB:
            with _share(size / _WHOLE_CPU_MIB) as group:
                _measure_size(size, asset, model, group)


def _measure_size(size: int, asset: Path, model: Server, group: Path) -> None:
    starts = []
    for _ in range(_STARTS):
        with proxy(asset, model.port, "tgi", _MODEL, group) as started:
            starts.append(started.seconds_to_ready)
    with proxy(asset, model.port, "tgi", _MODEL, group) as server:
        short, long = _chat(server, "Hi"), _chat(server, "word " * _WORDS)
        direct = _ask(Target("stub", model.port, "/", _DIRECT, b"\r\n0\r\n\r\n"))
        _ask(short)  # warms up
        before = server.cpu_seconds
        first, token = _ask(short)
        seconds = (server.cpu_seconds - before) / _STREAMS
        first_of_long, _ = _ask(long)
        print(
            f"| {size} | {size / _WHOLE_CPU_MIB:.0%} | {statistics.median(starts):.2f} s"
            f" | {server.megabytes:.0f} MB | {first - direct[0]:.1f} ms"
            f" | {first_of_long - direct[0]:.1f} ms | {token - direct[1]:.2f} ms"
            f" | {1000 * seconds:.1f} ms |"
        )


_DIRECT = json.dumps(
    {"inputs": "Hi", "parameters": {"max_new_tokens": TOKENS}, "stream": True}
).encode()


def _chat(server: Server, text: str) -> Target:
    body = {
        "messages": [{"role": "user", "content": text}],
        "max_tokens": TOKENS,
        "stream": True,
    }
    path = "/v1/chat/completions"
    return Target("proxy", server.port, path, json.dumps(body).encode(), b"data: [DONE]")


def _ask(target: Target) -> tuple[float, float]:
    """Return the median milliseconds to the first token, and of a token on its way."""
    loads = [measure(target, 1, streams=1) for _ in range(_STREAMS)]
    if lost := sum(load.lost for load in loads):
        raise SystemExit(f"{lost} of {_STREAMS} streams were lost")
    first = statistics.median(each for load in loads for each in load.first_tokens)
    return 1000 * first, 1000 * statistics.median(
        each for load in loads for each in load.on_the_way
    )


@contextmanager
def _share(of_a_cpu: float) -> Iterator[Path]:
    """A control group with that share of one CPU."""
    old = (_GROUPS / "cpu").is_dir()
    group = (_GROUPS / "cpu" if old else _GROUPS) / "bench-proxy"
    group.mkdir(exist_ok=True)
    quota = max(int(_PERIOD_US * of_a_cpu), 1000)
    if old:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    else:
        (group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
    try:
        yield group
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
