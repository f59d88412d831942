"""What a run measures: lengths, loads, limits and the objective."""

from dataclasses import asdict, dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path

import msgspec

from bench.load.arrivals import Load, Rate, Spacing, Users, read_trace
from bench.load.generator import Limits
from bench.results.figures import Objective


@dataclass(frozen=True, kw_only=True)
class Options:
    """A run's options, as its folder keeps them; the published table's by default."""

    target: str
    words: tuple[int, ...] = (128, 512, 6400)
    tokens: int = 128
    users: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    rates: tuple[float, ...] = ()  # Requests a second, instead of users.
    spacing: Spacing = "poisson"
    trace: str | None = None  # A file of arrivals, instead of users.
    seconds: float = 20.0
    requests: int = 20  # And at least two for each user.
    warm_up: float = 2.0
    max_seconds: float = 300.0
    timeout: float = 300.0
    max_failures: float = 0.1
    disconnect: float = 0.0
    max_time_to_first_token: float = 2.0
    max_inter_token_latency: float = 0.06
    seed: int = 0

    def __post_init__(self) -> None:
        _whole("words", self.words, 1, 100_000)
        _whole("tokens", (self.tokens,), 1, 100_000)
        _whole("requests", (self.requests,), 1, 1_000_000)
        for name in ("seconds", "max_seconds", "timeout"):
            _between(name, getattr(self, name), 0.001, 86_400)
        _between("warm_up", self.warm_up, 0, 86_400)
        for name in ("max_failures", "disconnect"):
            _between(name, getattr(self, name), 0, 1)
        if self.rates and self.trace:
            raise ValueError("give rates or a trace, not both")
        if self.max_seconds < self.seconds:
            raise ValueError(
                f"max_seconds is {self.max_seconds}, less than seconds, {self.seconds}"
            )
        if not self.loads:
            raise ValueError("users is empty: give one number at least")
        self.objective  # noqa: B018 - validates it

    @cached_property
    def loads(self) -> tuple[Load, ...]:
        """The loads of each row, in the order in which they are measured."""
        if self.trace:
            return (read_trace(Path(self.trace)),)
        if self.rates:
            return tuple(Rate(rate, self.spacing) for rate in self.rates)
        return tuple(Users(number) for number in self.users)

    @property
    def objective(self) -> Objective:
        """What a good answer keeps."""
        return Objective(
            time_to_first_token_seconds=self.max_time_to_first_token,
            inter_token_latency_seconds=self.max_inter_token_latency,
        )

    def limits(self, load: Load) -> Limits:
        """Return when a cell with this load has been measured long enough."""
        users = load.number if isinstance(load, Users) else 0
        return Limits(
            warm_up_seconds=self.warm_up,
            min_seconds=self.seconds,
            min_requests=max(self.requests, 2 * users),
            max_seconds=self.max_seconds,
            request_timeout_seconds=self.timeout,
            max_failure_share=self.max_failures,
        )

    def as_json(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: object) -> "Options":
        """Return the options that `as_json` stored."""
        return msgspec.convert(stored, cls)


def _whole(name: str, values: tuple[int, ...], minimum: int, maximum: int) -> None:
    if not values:
        raise ValueError(f"{name} is empty: give one number at least")
    for value in values:
        if type(value) is not int or not minimum <= value <= maximum:
            raise ValueError(
                f"{name} must be whole numbers from {minimum} to {maximum}, got {value!r}"
            )


def _between(name: str, value: float, minimum: float, maximum: float) -> None:
    if not (isfinite(value) and minimum <= value <= maximum):
        raise ValueError(f"{name} must be from {minimum} to {maximum}, got {value!r}")
