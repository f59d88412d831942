"""Sets the benchmark beside what a server knows of its own delays: `python -m bench.trust`.

With `--aiperf` or `--guidellm`, and `--tokenizer`, those measure the same server in the same run:
each is a program in an environment of its own; the folder may hold any tokenizer.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from bench.trust.agreement import row, table, verdict
from bench.trust.stub import Answer
from bench.trust.tools import Tool, aiperf, guidellm, ours
from embedded_aws.host.processes import free_port, wait_until_ready


def main() -> None:
    """Measure at each number of users with each tool, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.trust", description=__doc__)
    parser.add_argument("--aiperf", type=Path, metavar="PROGRAM")
    parser.add_argument("--guidellm", type=Path, metavar="PROGRAM")
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="for the two")
    parser.add_argument("--users", default="1,2,4,8,16,32,64,128", metavar="N,…")
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement (15)")
    given = parser.parse_args()
    if (given.aiperf or given.guidellm) and not given.tokenizer:
        parser.error("--aiperf and --guidellm need --tokenizer: a folder with any tokenizer")
    tools: dict[str, Tool] = {"this": ours}
    if given.aiperf:
        tools["AIPerf"] = aiperf(given.aiperf.resolve(), given.tokenizer.resolve())
    if given.guidellm:
        tools["guidellm"] = guidellm(given.guidellm.resolve(), given.tokenizer.resolve())
    try:
        _measure(tools, [int(each) for each in given.users.split(",")], given.seconds)
    except ValueError as error:
        sys.exit(f"python -m bench.trust: {error}")


def _measure(tools: dict[str, Tool], all_users: list[int], seconds: int) -> None:
    rows, loads = [], [os.getloadavg()[0]]
    with _stub() as url, tempfile.TemporaryDirectory() as scratch:
        for users in all_users:
            for name, tool in tools.items():
                said = tool(url, users, seconds, Path(scratch))
                rows.append(row(users, name, said, _answers(url)))
                loads.append(os.getloadavg()[0])
                print(table(rows[-1:]).split("\n")[-1], file=sys.stderr)
    late = max(each.server_late for each in rows) * 1000
    print(table(rows), verdict(rows), sep="\n\n")
    print(
        f"\n{os.cpu_count()} cores; load average {loads[0]:.1f} before, {max(loads):.1f} at most;"
        f" the server missed its plan by {late:.2f} ms at most, in the mean of a row, which is"
        " part of what it knows"
    )


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


def _answers(url: str) -> list[Answer]:
    return msgspec.json.decode(httpx.get(f"{url}/answers").content, type=list[Answer])


if __name__ == "__main__":
    main()
