"""Datapoints of metrics, and of expressions of them, by periods that pass in accelerated time."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ministack.services import cloudwatch

from embedded_aws.cloudwatch import expressions
from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json

Series = list[float | None]


class Statistic(NamedTuple):
    """A statistic of one metric: its namespace, name and dimensions identify it."""

    namespace: str
    metric: str
    dimensions: Sequence[Json]
    name: str
    unit: str | None = None


def put(namespace: str, name: str, dimensions: dict[str, str], values: list[float]) -> None:
    """Publish values of a metric, as of now."""
    cloudwatch._store_datum(
        namespace, name, dimensions, time.time(), "None", None, values, None, None
    )


def of_statistic(statistic: Statistic, period: float, count: int, now: float) -> Series:
    """Return the statistic in each of the last complete periods, None without a value."""
    length = circumstances.accelerated(period)
    last = int(now / length)  # the period that is not over
    points: list[list[Json]] = [[] for _ in range(count)]
    for point in _points(statistic):
        index = int(point["Timestamp"] / length) - (last - count)
        if 0 <= index < count:
            points[index].append(point)
    return [_value(statistic.name, each) for each in points]


def of_queries(queries: Sequence[Json], period: float, count: int, now: float) -> Series:
    """Return what the one query with `ReturnData` has in each of the last complete periods."""
    found: dict[str, Series] = {
        query["Id"]: of_statistic(_statistic(query["MetricStat"]), period, count, now)
        for query in queries
        if "MetricStat" in query
    }
    returned = _returned(queries)
    if "Expression" not in returned:
        return found[returned["Id"]]
    return [
        expressions.evaluate(
            returned["Expression"], {name: series[index] for name, series in found.items()}
        )
        for index in range(count)
    ]


def check(queries: Sequence[Json]) -> None:
    """Raise ExpressionError for queries that are not emulated."""
    returned = _returned(queries)
    ids = {query["Id"] for query in queries if "MetricStat" in query}
    others = [q["Id"] for q in queries if "Expression" in q and q is not returned]
    if others:
        raise expressions.ExpressionError(
            f"the embedded AWS has no expressions of expressions, got {', '.join(others)}"
        )
    if "Expression" in returned:
        expressions.check(returned["Expression"], ids)


def _returned(queries: Sequence[Json]) -> Json:
    found = [query for query in queries if str(query.get("ReturnData", True)).lower() != "false"]
    if len(found) != 1:
        raise expressions.ExpressionError(
            f"one metric or expression must have ReturnData, got {len(found)}"
        )
    return found[0]


def _statistic(given: Json) -> Statistic:
    metric = given["Metric"]
    dimensions = metric.get("Dimensions", [])
    names = metric["Namespace"], metric["MetricName"]
    return Statistic(*names, dimensions, given["Stat"], given.get("Unit"))


def _points(statistic: Statistic) -> list[Json]:
    dimensions = {each["Name"]: each["Value"] for each in statistic.dimensions}
    key = statistic.namespace, statistic.metric, cloudwatch._dims_key(dimensions)
    points: list[Json] = cloudwatch._metrics.get(key, [])
    return [point for point in points if statistic.unit in (None, point["Unit"])]


def _value(name: str, points: list[Json]) -> float | None:
    if not points:
        return None
    value: Any = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)
