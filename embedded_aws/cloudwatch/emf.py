"""Metrics from log events in CloudWatch's embedded metric format (EMF)."""

import logging
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec
from ministack.services import cloudwatch, cloudwatch_logs

from embedded_aws.core.emulator import Json, Response

_log = logging.getLogger(__name__)
_OK = 200

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Values = Annotated[list[float], msgspec.Meta(max_length=100)]
_DimensionSet = Annotated[list[_Name], msgspec.Meta(max_length=30)]


class _Definition(msgspec.Struct, rename="pascal"):
    name: _Name
    unit: str = "None"


class _Directive(msgspec.Struct, rename="pascal"):
    namespace: _Name
    dimensions: list[_DimensionSet]
    metrics: Annotated[list[_Definition], msgspec.Meta(max_length=100)]


class _Metadata(msgspec.Struct):
    directives: list[_Directive] = msgspec.field(name="CloudWatchMetrics")
    timestamp: int = msgspec.field(name="Timestamp")


class _Document(msgspec.Struct):
    metadata: _Metadata = msgspec.field(name="_aws")


class Metric(NamedTuple):
    """Values of one metric: its namespace, name and dimensions identify it."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    values: list[float]
    timestamp: float


class EmfError(ValueError):
    """A document from which CloudWatch takes no metric."""


def install() -> None:
    """Take the metrics out of whatever is put into a log."""
    put = cloudwatch_logs._put_log_events

    def put_and_extract(request: Json) -> Response:
        answer: Response = put(request)
        if answer[0] == _OK:
            for event in request["logEvents"]:
                _publish(event["message"])
        return answer

    cloudwatch_logs._put_log_events = put_and_extract


def _publish(message: str) -> None:
    try:
        for metric in metrics(message):
            namespace, name, dimensions, unit, values, at = metric
            cloudwatch._store_datum(namespace, name, dimensions, at, unit, None, values, None, None)
    except EmfError as error:
        _log.warning("no metrics from an EMF document: %s", error)


def metrics(message: str) -> Iterator[Metric]:
    """Yield the metrics of a log event, each with each of its dimension sets; raise EmfError."""
    if not (message.startswith("{") and '"_aws"' in message):
        return
    try:
        metadata = msgspec.json.decode(message, type=_Document).metadata
        root = msgspec.json.decode(message, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise EmfError(str(error)) from error
    for directive in metadata.directives:
        for names in directive.dimensions:
            dimensions = {name: _dimension(root, name) for name in names}
            for metric in directive.metrics:
                values = _values(root, metric.name)
                yield Metric(
                    directive.namespace,
                    metric.name,
                    dimensions,
                    metric.unit,
                    values,
                    metadata.timestamp / 1000,
                )


def _dimension(root: Json, name: str) -> str:
    if not isinstance(value := root.get(name), str):
        raise EmfError(f"the dimension {name} must be a string, got {value!r}")
    return value


def _values(root: Json, name: str) -> list[float]:
    value = root.get(name)
    try:
        # strictly: true and "1" are no numbers
        return msgspec.convert(value if isinstance(value, list) else [value], _Values)
    except msgspec.ValidationError as error:
        raise EmfError(f"the metric {name} must be up to 100 numbers, got {value!r}") from error
