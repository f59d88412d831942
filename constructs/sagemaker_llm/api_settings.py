"""What an environment decides about its API: who may call it and how, and what guards it."""

from dataclasses import dataclass
from enum import StrEnum

from .api_client import Client
from .web_firewall import Firewall


class Authentication(StrEnum):
    """How callers prove who they are."""

    KEYS = "keys"  # a Bearer key for each client, metered by its usage plan
    IAM = "iam"  # SigV4-signed requests of principals that may execute-api:Invoke


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How fast calls may come: rate in requests a second, burst in requests."""

    rate: float = 20
    burst: int = 40

    def __post_init__(self) -> None:
        if min(self.rate, self.burst) <= 0:
            raise ValueError(f"limit must be positive, got rate {self.rate}, burst {self.burst}")


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """The API of one environment."""

    authentication: Authentication = Authentication.KEYS
    clients: tuple[Client, ...] = ()
    iam_limit: Limit = Limit()  # of all who sign together; clients have limits of their own
    firewall: Firewall | None = None  # None: no web ACL, which costs by the month
    playground: bool = False  # a page to try the model with, open to anyone; its calls need a key
    reserved_concurrency: int | None = None  # None shares the account's

    def __post_init__(self) -> None:
        names = [client.name for client in self.clients]
        if self.authentication is Authentication.IAM:
            if names:
                raise ValueError(
                    f"clients have keys, which IAM authentication takes none of, got {names}"
                )
            if self.playground:
                raise ValueError("playground needs keys: a page cannot sign requests")
        elif not names or len(set(names)) < len(names):
            raise ValueError(f"clients must be one or more, each named once, got {names}")
        if self.reserved_concurrency is not None and self.reserved_concurrency < 1:
            raise ValueError(
                f"reserved_concurrency must be positive, got {self.reserved_concurrency}"
            )
