"""The clients of the API: their keys, rates and daily quotas."""

import math
import re
from dataclasses import dataclass

import aws_cdk.aws_apigateway as apigateway
from constructs import Construct

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A throttle: the rate in requests per second, the burst in requests."""

    rate: float = 20
    burst: int = 40

    def __post_init__(self) -> None:
        if min(self.rate, self.burst) <= 0:
            raise ValueError(f"limit must be positive, got rate {self.rate}, burst {self.burst}")
        # The burst is the size of the bucket that the rate fills: a smaller one wastes the rate.
        if self.burst < self.rate:
            raise ValueError(f"burst must be at least rate {self.rate:g}, got {self.burst}")

    def requests_within(self, seconds: int) -> int:
        """Return the maximum number of requests that pass in a window of this length."""
        return math.ceil(self.rate * seconds) + self.burst


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client of the API: the rate in requests per second, burst and quota in requests."""

    name: str
    rate_limit: float = 10
    burst_limit: int = 20
    daily_quota: int = 20_000

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", self.name):
            raise ValueError(f"name of a client must be in PascalCase, got {self.name!r}")
        if min(self.rate_limit, self.burst_limit, self.daily_quota) <= 0:
            raise ValueError(
                f"limits of client {self.name} must be positive, got rate_limit {self.rate_limit},"
                f" burst_limit {self.burst_limit}, daily_quota {self.daily_quota}"
            )
        if self.burst_limit < self.rate_limit:
            raise ValueError(
                f"burst_limit of client {self.name} must be at least its rate_limit"
                f" {self.rate_limit:g}, got {self.burst_limit}"
            )
        a_day = self.limit.requests_within(_SECONDS_A_DAY)
        if not self.burst_limit <= self.daily_quota <= a_day:
            raise ValueError(
                f"daily_quota of client {self.name} must be from its burst_limit"
                f" {self.burst_limit} to the {a_day} requests that its rate_limit lets through"
                f" in a day, got {self.daily_quota}"
            )

    @property
    def limit(self) -> Limit:
        """The rate and the burst together."""
        return Limit(rate=self.rate_limit, burst=self.burst_limit)


class ApiClient(Construct):
    """Owns a client's key, whose value API Gateway generates, and its usage plan.

    Its construct id is the client's name: a renamed client gets a new key, and a
    removed one loses its key with the next deployment.
    """

    def __init__(self, scope: Construct, *, client: Client, api: apigateway.RestApi) -> None:
        super().__init__(scope, client.name)
        plan = apigateway.UsagePlan(
            self,
            "Plan",
            description=f"Limits of {client.name}",
            throttle=apigateway.ThrottleSettings(
                rate_limit=client.rate_limit, burst_limit=client.burst_limit
            ),
            quota=apigateway.QuotaSettings(limit=client.daily_quota, period=apigateway.Period.DAY),
            api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
        )
        key = apigateway.ApiKey(self, "Key", description=f"Key of {client.name}")
        plan.add_api_key(key)
        self.key_id = key.key_id
