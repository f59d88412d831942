"""What the commands of `python -m bench` do, but for `recall`."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from math import isnan
from pathlib import Path

import aiohttp
import boto3

from bench.estimate import aws_prices, estimate, expect
from bench.load.endpoint import SageMakerEndpoint
from bench.load.targets import RestApi, Target
from bench.measured import new_folder, rest_api
from bench.options import Options
from bench.progress import Progress
from bench.promise import promised
from bench.results.compare import compare, read_measurement
from bench.results.profile import PUBLISHED
from bench.results.store import Run
from bench.results.table import published_form
from bench.run import run_cells, write_report, write_results
from operate.environment import Environment
from operate.verb import open_environment


def run_benchmark(given: Namespace) -> None:
    """Measure, with progress on the terminal; raises ValueError, SystemExit when interrupted."""
    if given.estimate:
        print(_estimate(given, options_of(given, "")))
        return
    try:
        run = asyncio.run(_benchmark(given))
    except KeyboardInterrupt:
        sys.exit(130)
    cells = run.cells()
    print(published_form([cell for cell, _ in cells]))
    _say_report(write_report(run, cells))
    check_good_shares([(cell.good_share, cell.stopped) for cell, _ in cells], given.min_good)


def check_good_shares(cells: Sequence[tuple[float, str | None]], least: float) -> None:
    """Raise SystemExit if in a cell a smaller share of the answers keeps the objective.

    Each cell is its share, and why it was given up: then none of its load was kept up with.
    """
    shares = [0.0 if stopped or isnan(share) else share for share, stopped in cells]
    if least and not shares:
        sys.exit(f"nothing was measured, and {least:.0%} of the answers must keep the objective")
    if shares and min(shares) < least:
        sys.exit(f"{min(shares):.0%} of the answers kept the objective, {least:.0%} must")


def report_run(folder: Path) -> None:
    """Write a run's tables, plots and report."""
    run = Run.open(folder)
    cells = run.cells()
    write_results(folder, [cell for cell, _ in cells])
    _say_report(write_report(run, cells))


def _say_report(path: Path) -> None:
    print(f"\nevery figure and plot: {path}", file=sys.stderr)


def compare_measurements(a: Path, b: Path) -> None:
    """Print two measurements side by side; raises ValueError."""
    paths = [PUBLISHED if str(path) == "published" else path for path in (a, b)]
    print(compare(*(read_measurement(path, seed) for seed, path in enumerate(paths))))


async def _benchmark(given: Namespace) -> Run:
    async with _target(given) as target:
        run = _opened_run(given, target)
        progress = Progress(run.options)
        if not given.resume:
            progress.say(_estimate(given, run.options) + "\n")
        try:
            await run_cells(run, target, progress.watch, progress.measured)
        except asyncio.CancelledError:
            progress.say(f"stopped; resume with: python -m bench run --resume {run.folder}")
            raise
    return run


def _opened_run(given: Namespace, target: Target) -> Run:
    if given.resume:
        run = Run.open(given.resume)
        if run.options.target != target.name:
            raise ValueError(
                f"{given.resume} was measured on {run.options.target}, not on {target.name}:"
                " give the same --env, --url, --endpoint and --route"
            )
        return run
    return Run.create(given.out or new_folder(given.env), options_of(given, target.name))


def options_of(given: Namespace, target: str) -> Options:
    """Return a run's options: what was given, and its environment's objective if none was."""
    names = {field.name for field in fields(Options)} - {"target"}
    values = {name: value for name in names if (value := getattr(given, name)) is not None}
    return Options(target=target, **(values | promised(given)))


def _estimate(given: Namespace, options: Options) -> str:
    """Return what a run takes on AWS; of this machine's stage or another server, at least."""
    if given.url or given.env == "local":
        seconds = len(options.words) * len(options.loads) * (options.warm_up + options.seconds)
        return f"at least {seconds / 60:.1f} minutes"
    return estimate(expect(options), aws_prices(), through_the_api=not given.endpoint)


@asynccontextmanager
async def _target(given: Namespace) -> AsyncIterator[Target]:
    """Open what is to be measured; raises ValueError, and SystemExit if it is not deployed."""
    connections = aiohttp.TCPConnector(limit=0)  # A user is never kept waiting by the client.
    patience = aiohttp.ClientTimeout(total=None)  # A request's own time-out is the generator's.
    async with aiohttp.ClientSession(
        connector=connections, timeout=patience, trust_env=bool(given.url) or given.env != "local"
    ) as session:
        if given.endpoint:
            yield _endpoint(session, open_environment(given.env))
            return
        base_url, key, model = rest_api(given)
        yield RestApi(
            session=session, base_url=base_url, api_key=key, model=model, route=given.route
        )


def _endpoint(session: aiohttp.ClientSession, environment: Environment) -> SageMakerEndpoint:
    runtime = environment.client("sagemaker-runtime")
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise ValueError("there are no AWS credentials: set the environment's, as for a deployment")
    return SageMakerEndpoint(
        session=session,
        runtime_url=runtime.meta.endpoint_url,
        endpoint=environment.outputs("Serving")["EndpointName"],
        region=runtime.meta.region_name,
        credentials=credentials,
    )
