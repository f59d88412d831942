"""Benchmarks of a deployed stage."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.commands import compare_measurements, report_run, run_benchmark
from bench.options import Options


def main(given: Sequence[str] | None = None) -> None:
    """Parse the arguments and run the command."""
    arguments = parser().parse_args(given)
    try:
        match arguments.command:
            case "run":
                run_benchmark(arguments)
            case "recall":
                from bench.recall.commands import ask_for_recall  # noqa: PLC0415 - loads OpenAI's client

                ask_for_recall(arguments)
            case "compare":
                compare_measurements(arguments.a, arguments.b)
            case _:
                report_run(arguments.folder)
    except ValueError as error:
        sys.exit(f"python -m bench {arguments.command}: {error}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="measure a stage under load"))
    _add_recall(commands.add_parser("recall", help="ask what a stage finds in long prompts"))
    compare = commands.add_parser("compare", help="set two measurements side by side")
    compare.add_argument("a", type=Path, help="a run's folder or a profile; `published` for AWS's")
    compare.add_argument("b", type=Path, help="another")
    report = commands.add_parser("report", help="write a run's tables, plots and report again")
    report.add_argument("folder", type=Path)
    return made


def _add_run(parser: argparse.ArgumentParser) -> None:
    default = Options(target="")
    where = parser.add_argument_group("what is measured: a stage, a URL or an endpoint")
    _add_api(where)
    where.add_argument(
        "--endpoint",
        action="store_true",
        help="the environment's SageMaker endpoint, without the REST API before it",
    )
    where.add_argument("--route", choices=("completions", "chat"), default="completions")
    load = parser.add_argument_group("the load")
    load.add_argument(
        "--words",
        type=_whole_numbers,
        default=default.words,
        metavar="N,…",
        help="words of a prompt, a row each (128,512,6400)",
    )
    load.add_argument("--tokens", type=int, default=default.tokens, help="output tokens (128)")
    load.add_argument(
        "--users",
        type=_whole_numbers,
        default=default.users,
        metavar="N,…",
        help="concurrent users, a cell each (1,2,4,…,128)",
    )
    load.add_argument(
        "--rates",
        type=_numbers,
        default=(),
        metavar="R,…",
        help="requests a second, instead of users",
    )
    load.add_argument(
        "--spacing",
        choices=("poisson", "constant"),
        default="poisson",
        help="how requests of a rate are spaced",
    )
    load.add_argument(
        "--trace", help="a file with the second of an arrival on each line, instead of users"
    )
    load.add_argument(
        "--disconnect",
        type=float,
        default=default.disconnect,
        help="share of requests whose client disconnects early",
    )
    load.add_argument("--seed", type=int, default=default.seed)
    limits = parser.add_argument_group("how long")
    limits.add_argument("--seconds", type=float, default=default.seconds, help="of a cell at least")
    limits.add_argument("--requests", type=int, default=default.requests, help="of a cell at least")
    limits.add_argument(
        "--warm-up", type=float, default=default.warm_up, help="seconds before them"
    )
    limits.add_argument(
        "--max-seconds", type=float, default=default.max_seconds, help="of a cell at most"
    )
    limits.add_argument(
        "--timeout", type=float, default=default.timeout, help="seconds of a request"
    )
    limits.add_argument(
        "--max-failures",
        type=float,
        default=default.max_failures,
        help="share of failed requests that ends a row",
    )
    promise = parser.add_argument_group("the objective")
    promise.add_argument(
        "--max-time-to-first-token",
        type=float,
        metavar="SECONDS",
        help=f"the environment's (where none is declared: {default.max_time_to_first_token:g})",
    )
    promise.add_argument(
        "--max-inter-token-latency",
        type=float,
        metavar="SECONDS",
        help=f"the environment's (where none is declared: {default.max_inter_token_latency:g})",
    )
    promise.add_argument(
        "--min-good",
        type=_share,
        metavar="SHARE",
        default=0.0,
        help="share of the answers that must keep it in each cell, for CI: else exit with 1",
    )
    limits.add_argument(
        "--estimate",
        action="store_true",
        help="say how long that is and what it costs, and measure nothing",
    )
    kept = parser.add_argument_group("where the results are kept")
    kept.add_argument("--out", type=Path, help="a new folder (bench-results/…)")
    kept.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="continue a run that was stopped"
    )


def _add_recall(parser: argparse.ArgumentParser) -> None:
    _add_api(parser.add_argument_group("what is asked: a stage or a URL"))
    parser.add_argument(
        "--tasks",
        default="topic,line,pass key,document",
        help="which (topic,line,pass key,document)",
    )
    parser.add_argument(
        "--lengths", type=_whole_numbers, default=(), metavar="N,…",
        help="tokens of a prompt (those of MistralLite's card)",
    )  # fmt: skip
    parser.add_argument("--trials", type=int, default=50, help="questions of each length (50)")
    parser.add_argument("--users", type=int, default=1, help="questions asked at once (1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--questions", type=Path, metavar="FOLDER",
        help="ask the questions of its .jsonl files instead: your own, or LongEval's",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="a folder for the results (bench-results/…)")


def _add_api(where: argparse._ArgumentGroup) -> None:
    where.add_argument(
        "--env", type=str.lower, default="local", help="a deployed environment (default: local)"
    )
    where.add_argument("--url", help="a server that speaks as OpenAI does, up to before /v1")
    where.add_argument("--key-variable", default="API_KEY", help="the variable that holds its key")
    where.add_argument("--client", help="the client of the environment whose key is used")
    where.add_argument("--model", default="model", help="the model that requests to --url name")


def _share(text: str) -> float:
    share, *more = _numbers(text)
    if more or not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"give a share from 0 to 1, such as 0.9: got {text}")
    return share


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"give whole numbers, such as 1,2,4: got {text}") from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"give numbers, such as 0.5,1: got {text}") from None


if __name__ == "__main__":
    main()
