"""What a run will take before it starts: minutes, requests, and dollars on AWS.

The latencies are those that AWS published for Mistral-7B-Instruct on ml.g5.2xlarge, interpolated
between its rows. A cell that its table leaves out is taken to time out, which ends the row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np

from bench.load.arrivals import Load, Rate, Users
from bench.load.generator import RAMP_SECONDS
from bench.options import Options
from bench.results.profile import PUBLISHED, read_profile
from bench.results.table import markdown

INSTANCE_TYPE = "ml.g5.2xlarge"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A row of a run: the cells that are answered, and those that time out in the end."""

    words: int
    cells: int
    timed_out: int
    seconds: float
    requests: float
    request_seconds: float  # of all requests together


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Dollars, and the day of the list that they are from."""

    collected_on: str
    instance_hour: float
    proxy_gigabytes: float
    lambda_gigabyte_second: float
    lambda_request: float
    api_request: float


def expect(options: Options) -> list[Expected]:
    """Return what each row takes at the published latencies."""
    return [_row(options, words) for words in options.words]


def estimate(rows: Sequence[Expected], prices: Prices, *, through_the_api: bool) -> str:
    """Return a table and a sentence."""
    table = markdown(
        ["input words", "cells", "minutes", "requests"],
        [
            [
                str(row.words),
                f"{row.cells}{f', then {row.timed_out} that times out' if row.timed_out else ''}",
                f"{row.seconds / 60:.0f}",
                f"{row.requests:.0f}",
            ]
            for row in rows
        ],
    )
    seconds = sum(row.seconds for row in rows)
    said = f"about {seconds / 60:.0f} minutes at the latencies that AWS published"
    parts = {INSTANCE_TYPE: seconds / 3600 * prices.instance_hour}
    if through_the_api:
        requests = sum(row.requests for row in rows)
        held = sum(row.request_seconds for row in rows) * prices.proxy_gigabytes
        parts |= {
            "Lambda": held * prices.lambda_gigabyte_second + requests * prices.lambda_request,
            "API Gateway": requests * prices.api_request,
        }
    shown = ", ".join(f"{name} {dollars:.2f}" for name, dollars in parts.items())
    return (
        f"{table}\n\n{said}, about {sum(parts.values()):.2f} USD ({shown}; prices as"
        f" collected on {prices.collected_on} in us-east-1, one instance)"
    )


def aws_prices() -> Prices:
    """Return the project's prices."""
    import _paths  # noqa: F401, PLC0415 # isort: skip - finds the package below

    from sagemaker_llm.sizing import hosting, prices  # noqa: PLC0415 - loads the CDK when asked

    return Prices(
        collected_on=prices.COLLECTED_ON,
        instance_hour=prices.instance_hour(INSTANCE_TYPE),
        proxy_gigabytes=hosting.MEMORY_MIB / 1024,
        lambda_gigabyte_second=prices.LAMBDA_GIGABYTE_SECOND,
        lambda_request=prices.LAMBDA_REQUEST,
        api_request=prices.API_REQUEST,
    )


def _row(options: Options, words: int) -> Expected:
    cells = timed_out = 0
    seconds = requests = request_seconds = 0.0
    for load in options.loads:
        users = load.number if isinstance(load, Users) else 1
        each = milliseconds_a_token(words, users)
        if each is None:
            timed_out = 1
            seconds += options.timeout
            requests += users
            request_seconds += users * options.timeout
            break
        latency = each / 1000 * options.tokens
        cells += 1
        took, sent = _cell(options, load, latency)
        seconds += took
        requests += sent
        request_seconds += sent * latency
    return Expected(
        words=words,
        cells=cells,
        timed_out=timed_out,
        seconds=seconds,
        requests=requests,
        request_seconds=request_seconds,
    )


def _cell(options: Options, load: Load, latency: float) -> tuple[float, float]:
    """Return the seconds of a cell, and its requests: warming up, measuring, answering the rest."""
    limits = options.limits(load)
    if isinstance(load, Users):
        warm = max(options.warm_up, RAMP_SECONDS * (1 - 1 / load.number) + latency)
        rounds = ceil(limits.min_requests / load.number)
        window = min(max(limits.min_seconds, rounds * latency), limits.max_seconds)
        total = warm + window + latency
        return total, load.number * total / latency
    if isinstance(load, Rate):
        window = max(limits.min_seconds, limits.min_requests / load.per_second)
        sending = options.warm_up + min(window, limits.max_seconds)
        return sending + latency, load.per_second * sending
    return load.seconds[-1] + latency, len(load.seconds)


def milliseconds_a_token(words: int, users: int) -> float | None:
    """Return the published latency, interpolated; None where the table has none."""
    lengths, latencies = [], []
    for length, by_users in _published().items():
        if users > max(by_users):
            break  # Longer prompts have no row for so many users either.
        lengths.append(length)
        latencies.append(float(np.interp(users, list(by_users), list(by_users.values()))))
    if not lengths or words > lengths[-1]:
        return None
    return float(np.interp(words, lengths, latencies))


@cache
def _published() -> Mapping[int, Mapping[int, float]]:
    measured: dict[int, dict[int, float]] = {}
    for row in read_profile(PUBLISHED):
        measured.setdefault(row.input_words, {})[row.concurrency] = row.milliseconds_per_token
    return measured
