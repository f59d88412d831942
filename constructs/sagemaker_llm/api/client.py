"""The clients of the API: their keys, rates and daily quotas."""

import math
from dataclasses import dataclass
from typing import Annotated

import aws_cdk.aws_apigateway as apigateway
from constructs import Construct

from allowed_values.rules import Pattern, Range, RefusedValueError
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.sizing.sizing import Sizing

_SECONDS_A_DAY = 86_400

# API Gateway's bucket has 5,000 requests, for all APIs of an account in a region. Its own rate is
# 10,000, but a rate above the burst is refused below.
_BUCKET = 5_000
_Rate = Annotated[float, Range(above=0, at_most=_BUCKET)]
_Burst = Annotated[int, Range(at_least=1, at_most=_BUCKET)]


@dataclass(frozen=True, kw_only=True)
class Limit(Checked):
    """A throttle: the rate in requests per second, the burst in requests."""

    rate: _Rate = 20
    burst: _Burst = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        # The burst is the size of the bucket that the rate fills: a smaller one wastes the rate.
        if self.burst < self.rate:
            raise RefusedValueError(f"burst must be at least rate {self.rate:g}, got {self.burst}")

    def requests_within(self, seconds: int) -> int:
        """Return the maximum number of requests that pass in a window of this length."""
        return math.ceil(self.rate * seconds) + self.burst


# It becomes a construct's id, and a part of an output's name.
_CLIENT_NAME = Pattern(r"[A-Z][A-Za-z0-9]{0,63}", "in PascalCase, of at most 64 characters")


@dataclass(frozen=True, kw_only=True)
class Client(Checked):
    """A client of the API: the rate in requests per second, burst and quota in requests."""

    name: Annotated[str, _CLIENT_NAME]
    rate_limit: _Rate = 10
    burst_limit: _Burst = 20
    daily_quota: Annotated[int, Range(at_least=1, at_most=2**31 - 1)] = 20_000

    @classmethod
    def sized(cls, sizing: Sizing, *, name: str, share: float = 1.0) -> "Client":
        """Return a client with its share of what the largest fleet serves as it is promised."""
        most = share * sizing.requests_per_second
        rate = min(math.floor(100 * most) / 100 or most, _BUCKET)
        burst = min(max(math.ceil(rate), math.floor(share * sizing.burst_requests)), _BUCKET)
        a_day = Limit(rate=rate, burst=burst).requests_within(_SECONDS_A_DAY)
        quota = min(max(math.ceil(share * sizing.daily_requests), burst), a_day)
        return cls(name=name, rate_limit=rate, burst_limit=burst, daily_quota=quota)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.burst_limit < self.rate_limit:
            raise RefusedValueError(
                f"burst_limit of client {self.name} must be at least its rate_limit"
                f" {self.rate_limit:g}, got {self.burst_limit}"
            )
        a_day = self.limit.requests_within(_SECONDS_A_DAY)
        if not self.burst_limit <= self.daily_quota <= a_day:
            raise RefusedValueError(
                f"daily_quota of client {self.name} must be from its burst_limit"
                f" {self.burst_limit} to the {a_day} requests that its rate_limit lets through"
                f" in a day, got {self.daily_quota}"
            )

    @property
    def limit(self) -> Limit:
        """The rate and the burst together."""
        return Limit(rate=self.rate_limit, burst=self.burst_limit)

    def _label(self, field: str) -> str:
        return "name of a client" if field == "name" else f"{field} of client {self.name}"


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
