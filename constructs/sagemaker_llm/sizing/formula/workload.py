"""What an environment declares: the traffic that it expects, and the latency that it promises."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Choice, Pattern, Range, RefusedValueError
from sagemaker_llm.models.checked import Checked

_DAY_SECONDS = 86_400
TIMEZONE = Pattern(
    r"[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+){1,2}", "an IANA name such as Europe/Zurich"
)
_Share = Annotated[float, Range(above=0, at_most=1)]

# A day's shape by the hour, from its trough, 0, to its peak, 1.
SINE_DAY = tuple(round((1 - math.cos(2 * math.pi * hour / 24)) / 2, 6) for hour in range(24))
OFFICE_DAY = (*(0.0,) * 9, *(1.0,) * 10, 0.5, *(0.0,) * 4)
FLAT_DAY = (1.0,) * 24


@dataclass(frozen=True, kw_only=True)
class RequestShape(Checked):
    """Requests of one kind: the words of the prompt, the tokens of the answer, their share."""

    prompt_words: Annotated[int, Range(at_least=1, at_most=1_048_576)]
    output_tokens: Annotated[int, Range(at_least=1, at_most=1_048_576)]
    share: _Share = 1.0


@dataclass(frozen=True, kw_only=True)
class Workload(Checked):
    """The requests of a day.

    An example::

        Workload(
            shapes=(RequestShape(prompt_words=512, output_tokens=128),),
            peak_requests_per_second=6,
            mean_requests_per_second=3.6,
        )

    `daily_curve` has a value an hour, 0 at the trough and 1 at the peak, with straight lines
    between; the mean decides how deep the trough is.
    """

    shapes: tuple[RequestShape, ...]
    peak_requests_per_second: Annotated[float, Range(above=0, at_most=100_000)]
    mean_requests_per_second: Annotated[float, Range(above=0, at_most=100_000)]
    daily_curve: tuple[Annotated[float, Range(at_least=0, at_most=1)], ...] = SINE_DAY
    # An IANA name: the curve's hours, and the schedule's.
    timezone: Annotated[str, TIMEZONE] = "Etc/UTC"
    # The factor by which bursts of minutes exceed the rate. Instances on stand-by serve them, as no
    # instance starts so soon; larger bursts are refused.
    burst: Annotated[float, Range(at_least=1, at_most=10)] = 1.0
    # How far above the peak the fleet may grow, if the load turns out greater.
    surge: Annotated[float, Range(at_least=1, at_most=100)] = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        total = sum(shape.share for shape in self.shapes)
        if abs(total - 1) > 1e-6:  # noqa: PLR2004 - of shares that are written by hand
            raise RefusedValueError(f"the shares of shapes must add up to 1, got {total:g}")
        if len(self.daily_curve) != 24 or max(self.daily_curve) < 1:  # noqa: PLR2004 - hours
            raise RefusedValueError(
                f"daily_curve must have 24 values, the greatest of them 1, got {self.daily_curve}"
            )
        least = self.peak_requests_per_second * self._mean_of_curve
        if not least - 1e-9 <= self.mean_requests_per_second <= self.peak_requests_per_second:
            raise RefusedValueError(
                f"mean_requests_per_second must be from {least:g}, which is the mean of the daily"
                f" curve down to 0, to peak_requests_per_second {self.peak_requests_per_second:g},"
                f" got {self.mean_requests_per_second:g}"
            )

    @property
    def trough_requests_per_second(self) -> float:
        """The least rate of the day."""
        mean, peak, of_curve = (
            self.mean_requests_per_second,
            self.peak_requests_per_second,
            self._mean_of_curve,
        )
        return peak if of_curve == 1 else max((mean - peak * of_curve) / (1 - of_curve), 0.0)

    def rates(self, step_seconds: int = 60) -> Sequence[float]:
        """Return the requests a second at each step of the day."""
        low, high = self.trough_requests_per_second, self.peak_requests_per_second
        curve = self.daily_curve
        rates = []
        for second in range(0, _DAY_SECONDS, step_seconds):
            hour, beyond = divmod(second / 3600, 1)
            here, following = curve[int(hour)], curve[(int(hour) + 1) % 24]
            rates.append(low + (high - low) * (here + (following - here) * beyond))
        return rates

    @property
    def _mean_of_curve(self) -> float:
        return sum(self.daily_curve) / len(self.daily_curve)


@dataclass(frozen=True, kw_only=True)
class Objective(Checked):
    """The latency that a share of the requests must have: 0.99 is a promise of the p99.

    Without a time to first token, `milliseconds_per_token` is of the whole answer, from the request
    to its last token; with one, of the tokens after the first.
    """

    milliseconds_per_token: Annotated[float, Range(above=0, at_most=10_000)]
    time_to_first_token_seconds: Annotated[float, Range(above=0, below=480)] | None = None
    share: Annotated[float, Choice((0.9, 0.95, 0.99, 0.999))] = 0.99
