"""When requests arrive: by users who wait for their answers, or by a clock that does not."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Literal

_MAX = 10_000  # Users, and requests a second.

Spacing = Literal["poisson", "constant"]


@dataclass(frozen=True)
class Users:
    """A closed loop: so many users, each of whom asks again as soon as it was answered."""

    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= _MAX:
            raise ValueError(f"users must be from 1 to {_MAX}, got {self.number}")

    def __str__(self) -> str:
        return f"{self.number} user{'s' if self.number > 1 else ''}"


@dataclass(frozen=True)
class Rate:
    """An open loop: so many requests a second, whether or not earlier ones were answered."""

    per_second: float
    spacing: Spacing = "poisson"

    def __post_init__(self) -> None:
        if not (isfinite(self.per_second) and 0 < self.per_second <= _MAX):
            raise ValueError(
                f"a rate must be above 0 and at most {_MAX} a second, got {self.per_second}"
            )

    def __str__(self) -> str:
        return f"{self.per_second:g} a second ({self.spacing})"

    def times(self, seed: str) -> Iterator[float]:
        """Yield the seconds at which requests arrive, without end."""
        if self.spacing == "constant":
            yield from (number / self.per_second for number in count())
        draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
        now = 0.0
        while True:
            now += draw.expovariate(self.per_second)
            yield now


@dataclass(frozen=True)
class Trace:
    """An open loop of recorded arrivals, in seconds from the first one."""

    name: str
    seconds: tuple[float, ...]

    def __str__(self) -> str:
        return f"trace {self.name}"

    def times(self, _seed: str) -> Iterator[float]:
        """Yield the seconds at which requests arrive."""
        yield from self.seconds


Load = Users | Rate | Trace


def read_trace(path: Path) -> Trace:
    """Read a file with one arrival a line, in seconds; raises ValueError."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the trace {path} cannot be read: {error}") from None
    times = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            at = float(line)
        except ValueError:
            at = float("nan")
        if not isfinite(at):
            raise ValueError(f"line {number} of {path} is no number of seconds: {line.strip()!r}")
        times.append(at)
    if not times:
        raise ValueError(f"{path} holds no arrival: it needs a number of seconds a line")
    times.sort()
    return Trace(path.name, tuple(at - times[0] for at in times))
