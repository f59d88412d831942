"""One JSON log line per request, with its CloudWatch metrics (EMF); never a prompt or an answer."""

import sys
import time
from http import HTTPStatus
from traceback import extract_tb
from typing import Any, Self

import msgspec
from starlette.requests import Request

from invoke_proxy.http.context import RequestContext
from invoke_proxy.http.errors import KINDS, EndpointError, ProxyError
from invoke_proxy.settings import Work

NAMESPACE = "InvokeProxy"

_UNITS = {
    "Requests": "Count",
    "Duration": "Milliseconds",
    "TimeToFirstToken": "Milliseconds",
    "TokensIn": "Count",
    "TokensOut": "Count",
    "TokensPerSecond": "Count/Second",
}
_BY_CLIENT = [["model"], ["model", "client"]]
# Alarms watch these: those that undo an update of the endpoint, and those on its load.
_BY_ENDPOINT = [["endpoint"]]
_BY_KIND = [["model", "error"], ["model", "client", "error"]]


class Record:
    """The contents of a request's log line; it observes the request and decides nothing."""

    def __init__(
        self,
        context: RequestContext,
        model_id: str,
        endpoint_name: str,
        work: Work | None = None,
    ) -> None:
        self.context = context
        self.model_id = model_id
        self.endpoint_name = endpoint_name
        self._work = work
        self.started = time.monotonic()
        self.status: int | None = None
        self.stream = False
        self.error: str | None = None
        self.cause: str | None = None
        self.prompt_tokens = 0  # 0 until a generation is requested.
        self.completion_tokens = 0
        self.usage_difference: dict[str, int] = {}
        self._first_token = 0.0
        self._last_token = 0.0

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return the record of a request that the Recorder let in."""
        record: Self = request.state.record
        return record

    def tokens(self, count: int) -> None:
        """Count tokens that have arrived."""
        self._last_token = time.monotonic()
        if not self.completion_tokens:
            self._first_token = self._last_token
        self.completion_tokens += count

    def usage_differs(self, name: str, tokens: int) -> None:
        """Note how many tokens more the server has counted than the proxy."""
        self.usage_difference[name] = self.usage_difference.get(name, 0) + tokens

    def fail(self, error: Exception) -> None:
        """Note why the request failed; for an unexpected exception, where, and never its text."""
        if isinstance(error, ProxyError):
            self.error = error.code
            self.cause = error.upstream if isinstance(error, EndpointError) else None
        else:
            last = extract_tb(error.__traceback__)[-1]
            self.error = "internal_error"
            self.cause = f"{type(error).__name__} in {last.name}, line {last.lineno}"

    def line(self, operation: str) -> str:
        """Return the log line, which is also a CloudWatch EMF document."""
        metrics = self._metrics()
        directives = [_directive(_BY_CLIENT, {name: _UNITS[name] for name in metrics})]
        if self.error:
            directives.append(_directive(_BY_KIND, {"Errors": "Count"}))
            metrics["Errors"] = 1
        if self.usage_difference:
            directives.append(_directive([["model"]], {"UsageDifferences": "Count"}))
            metrics["UsageDifferences"] = 1
        if self.prompt_tokens:  # it asked the endpoint
            watched = {n: _UNITS[n] for n in ("TimeToFirstToken",) if n in metrics}
            counted = {"Faults": "Count", "Refused": "Count", **watched}
            metrics["Faults"] = int(self._is_fault)
            metrics["Refused"] = int(self.error == "model_overloaded")
            if self._work and self.completion_tokens:
                counted["Work"] = "Milliseconds"
                work = self._work.milliseconds(self.prompt_tokens, self.completion_tokens)
                metrics["Work"] = round(work, 1)
            directives.append(_directive(_BY_ENDPOINT, counted))
        document = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives},
            "request_id": self.context.request_id,
            "client": self.context.client,
            "model": self.model_id,
            "endpoint": self.endpoint_name,
            "operation": operation,
            "stream": self.stream,
            "status": self.status,
            "error": self.error,
            "cause": self.cause,
            **({"usage_difference": self.usage_difference} if self.usage_difference else {}),
            **metrics,
        }
        return msgspec.json.encode(document).decode()

    @property
    def _is_fault(self) -> bool:
        return self.error in KINDS and KINDS[self.error].status >= HTTPStatus.INTERNAL_SERVER_ERROR

    def _metrics(self) -> dict[str, float]:
        metrics: dict[str, float] = {
            "Requests": 1,
            "Duration": round(1000 * (time.monotonic() - self.started), 1),
        }
        if self.prompt_tokens:
            metrics["TokensIn"] = self.prompt_tokens
            metrics["TokensOut"] = self.completion_tokens
        if self._first_token:
            metrics["TimeToFirstToken"] = round(1000 * (self._first_token - self.started), 1)
        if (generating := self._last_token - self._first_token) > 0:
            metrics["TokensPerSecond"] = round((self.completion_tokens - 1) / generating, 1)
        return metrics


def _directive(dimensions: list[list[str]], units: dict[str, str]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": dimensions,
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }


def write_line(line: str) -> None:
    """Write a line to the function's log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
