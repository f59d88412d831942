"""What the commands of `python -m bench` do."""

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import aiohttp
import boto3

from bench.load.endpoint import SageMakerEndpoint
from bench.load.targets import RestApi, Target
from bench.options import Options
from bench.progress import Progress
from bench.results.compare import compare, read_measurement
from bench.results.profile import PUBLISHED
from bench.results.store import Run
from bench.results.table import published_form
from bench.run import run_cells, write_report, write_results
from operate.api.deployment import find_deployment
from operate.environment import Environment, shell_environment
from operate.laptop.account import local_environment

_FOLDER = Path("bench-results")


def run_benchmark(given: Namespace) -> None:
    """Measure, with progress on the terminal; raises ValueError, SystemExit when interrupted."""
    try:
        run = asyncio.run(_benchmark(given))
    except KeyboardInterrupt:
        sys.exit(130)
    print(published_form([cell for cell, _ in run.cells().values()]))
    report_run(run.folder)


def report_run(folder: Path) -> None:
    """Write a run's tables, plots and report."""
    run = Run.open(folder)
    write_results(run)
    print(f"\nevery figure and plot: {write_report(run)}", file=sys.stderr)


def compare_measurements(a: Path, b: Path) -> None:
    """Print two measurements side by side; raises ValueError."""
    paths = [PUBLISHED if str(path) == "published" else path for path in (a, b)]
    print(compare(*(read_measurement(path, seed) for seed, path in enumerate(paths))))


async def _benchmark(given: Namespace) -> Run:
    async with _target(given) as target:
        run = _opened_run(given, target)
        progress = Progress(run.options)
        try:
            await run_cells(run, target, progress.watch, progress.measured)
        except asyncio.CancelledError:
            progress.say(f"stopped; go on with: python -m bench run --resume {run.folder}")
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
    names = {field.name for field in fields(Options)} - {"target"}
    options = Options(target=target.name, **{name: getattr(given, name) for name in names})
    now = datetime.now().astimezone()
    return Run.create(given.out or _FOLDER / f"{given.env}-{now:%Y%m%d-%H%M%S}", options)


@asynccontextmanager
async def _target(given: Namespace) -> AsyncIterator[Target]:
    """Open what is to be measured; raises ValueError, and SystemExit if it is not deployed."""
    connections = aiohttp.TCPConnector(limit=0)  # A user is never kept waiting by the client.
    patience = aiohttp.ClientTimeout(total=None)  # A request's own time-out is the generator's.
    async with aiohttp.ClientSession(
        connector=connections, timeout=patience, trust_env=bool(given.url) or given.env != "local"
    ) as session:
        if given.url:
            yield RestApi(
                session=session,
                base_url=given.url.rstrip("/").removesuffix("/v1"),
                api_key=os.environ.get(given.key_variable, ""),
                model=given.model,
                route=given.route,
            )
            return
        environment = _environment(given.env)
        yield (
            _endpoint(session, environment) if given.endpoint else _api(session, environment, given)
        )


def _environment(name: str) -> Environment:
    return local_environment() if name == "local" else shell_environment(name)


def _api(session: aiohttp.ClientSession, environment: Environment, given: Namespace) -> RestApi:
    deployed = find_deployment(environment, given.client)
    return RestApi(
        session=session,
        base_url=deployed.base_url,
        api_key=deployed.api_key,
        model=deployed.model,
        route=given.route,
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
