"""The settings of an API: authentication, clients, limits, origins and firewall."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from allowed_values.rules import Range, RefusedValueError
from sagemaker_llm.models.adapter import MODEL_ID
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.models.servers.server import Server
from sagemaker_llm.models.servers.tgi import TGI
from sagemaker_llm.models.servers.vllm import VLLM
from sagemaker_llm.sizing.hosting import Hosting, OnDemand

from .client import Client, Limit
from .firewall import WINDOW_SECONDS, Firewall

# For each open route, shared by all its callers: it has no usage plan, and each call costs an
# invocation.
OPEN_ROUTE_LIMIT = Limit(rate=10, burst=20)

# As browsers send it: no path, no default port, lower case.
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?")


class Authentication(StrEnum):
    """How callers prove who they are."""

    KEYS = "keys"  # a Bearer key for each client, metered by its usage plan
    IAM = "iam"  # SigV4-signed requests of principals that may execute-api:Invoke


class ControlTokens(StrEnum):
    """What happens to chat messages that contain the model's control tokens, such as `</s>`."""

    ESCAPE = "escape"  # they reach the model as ordinary text
    REFUSE = "refuse"  # the request is refused, with the message and the token


class Reservation(StrEnum):
    """What the functions reserve of the account's Lambda concurrency."""

    DERIVED = "derived"  # what concurrency.py derives from the endpoint and the clients
    NONE = "none"  # nothing: all functions of the account share what it has


@dataclass(frozen=True, kw_only=True)
class ApiSettings(Checked):
    """The API of one environment."""

    authentication: Authentication = Authentication.KEYS
    clients: tuple[Client, ...] = ()
    # Shared by all principals that sign; clients have their own limits.
    iam_limit: Limit = field(default_factory=Limit)
    control_tokens: ControlTokens = ControlTokens.ESCAPE
    firewall: Firewall | None = None  # None: no web ACL, which costs by the month
    playground: bool = False  # a page to try the model with, open to anyone; its calls need a key
    # Other names by which clients may call the model, such as the previous model's. Answers have
    # the model's own name.
    model_aliases: tuple[Annotated[str, MODEL_ID], ...] = ()
    # While vLLM takes over from TGI, or TGI from vLLM: the server that the model is not on.
    # Requests then carry the fields of both, and may use only what both support.
    other_server: Server | None = None
    # The origins whose pages may call the API (CORS); none by default.
    cors_origins: tuple[str, ...] = ()
    # How the proxy runs: `cheapest_hosting` chooses by the cost at a declared load.
    hosting: Hosting = field(default_factory=OnDemand)
    # How long an update waits before it deletes the proxy's previous version: longer than any
    # stream lasts, and than a change of the alias takes to reach everywhere. A shorter wait makes
    # updates shorter, and cuts longer streams. The function that waits may run for 15 minutes.
    draining_seconds: Annotated[int, Range(at_least=1, at_most=840)] = 520
    # A number is the proxy's reservation; those of the other functions are derived in any case.
    # Lambda's only upper bound is the account's quota: this one is ours.
    reserved_concurrency: Annotated[int, Range(at_least=1, at_most=100_000)] | Reservation = (
        Reservation.DERIVED
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [client.name for client in self.clients]
        if self.authentication is Authentication.IAM:
            if names:
                raise RefusedValueError(
                    f"clients must be empty with IAM authentication: it uses no keys, got {names}"
                )
            if self.playground:
                raise RefusedValueError(
                    "playground needs keys, got IAM authentication: a page cannot sign requests"
                )
        elif not names or len(set(names)) < len(names):
            raise RefusedValueError(f"clients must be one or more, each named once, got {names}")
        self._check_origins()
        self._check_firewall()

    def check_model(self, model: CatalogEntry) -> None:
        """Raise ValueError for a model that cannot be served as these settings say."""
        self._check_aliases(model)
        if self.other_server is None:
            return
        if {self.other_server.name, model.server.name} != {TGI.name, VLLM.name}:
            raise RefusedValueError(
                "other_server must be vLLM beside TGI, or TGI beside vLLM, which ignore each"
                f" other's words, got {self.other_server.title} beside {model.server.title}"
            )
        if model.server.adapters:
            raise RefusedValueError(
                f"other_server must be None for a model with adapters, got {TGI.title}, which has"
                " none"
            )

    def _check_aliases(self, model: CatalogEntry) -> None:
        """Raise ValueError for an alias that is the name of something served, or there twice."""
        names = [model.model_id, *(adapter.name for adapter in model.server.adapters)]
        names += self.model_aliases
        if len(set(names)) < len(names):
            raise RefusedValueError(
                "model_aliases must be named once, and not as the model or an adapter of it, got"
                f" {', '.join(self.model_aliases)}"
            )

    @property
    def limits(self) -> Mapping[str, Limit]:
        """Each caller's limit, by its name in error messages."""
        if self.authentication is Authentication.IAM:
            return {"iam_limit": self.iam_limit}
        return {f"client {client.name}": client.limit for client in self.clients}

    @property
    def requests_per_address(self) -> int:
        """The firewall's limit for one address, by default twice what the fastest caller may send.

        Twice, because WAF counts what the usage plans refuse too, WAF's own count is an estimate,
        and two clients may share an address.
        """
        if self.firewall and self.firewall.requests_per_address is not None:
            return self.firewall.requests_per_address
        fastest = max(limit.requests_within(WINDOW_SECONDS) for limit in self.limits.values())
        return max(2 * fastest, 10)  # WAF accepts no limit below 10

    def _check_origins(self) -> None:
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise RefusedValueError(
                    "cors_origins must be origins as browsers send them, each by name, such as"
                    f" https://app.example.com (no path, no *), got {origin!r}"
                )
        if len(set(self.cors_origins)) < len(self.cors_origins):
            raise RefusedValueError(f"cors_origins must be named once, got {self.cors_origins}")

    def _check_firewall(self) -> None:
        if self.firewall is None:
            return
        for name, limit in self.limits.items():
            allowed = limit.requests_within(WINDOW_SECONDS)
            if self.requests_per_address < allowed:
                raise RefusedValueError(
                    f"requests_per_address must be at least the {allowed} requests that {name} may"
                    f" send in {WINDOW_SECONDS} s (rate {limit.rate:g}, burst {limit.burst}), got"
                    f" {self.requests_per_address}: raise it, leave it out, or lower that limit"
                )
