"""A measured profile: what one instance did at each load, read from the CSV of `make bench`."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from allowed_values.rules import RefusedValueError
from sagemaker_llm.common.sources import PROFILES

_COLUMNS = (
    "input_words",
    "output_tokens",
    "concurrency",
    "throughput_tokens_per_s",
    "latency_p50_ms_per_token",
)
# With these a row can be held to Little's law.
_MEASURED = ("requests_per_s", "latency_mean_ms", "completion_tokens_mean")
_TOLERANCE = 0.05
_MAX_NUMBER = 1e9  # Whatever is above it was not measured.


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """One load: its requests, the users that sent them, and the latency in milliseconds a token."""

    words: float
    tokens: float  # of an answer
    users: float
    tokens_per_second: float
    milliseconds_per_token: float  # from the request to its last token

    @property
    def in_flight(self) -> float:
        """The requests that were being served, by Little's law."""
        return self.tokens_per_second * self.milliseconds_per_token / 1000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The rows of one model on one instance type, under one server."""

    name: str
    instance_type: str
    server: str = "tgi"  # as `Server.name`
    rows: tuple[ProfileRow, ...]

    @property
    def idle_users(self) -> float:
        """The share of all users that was not being served, by the rows' own throughput."""
        return 1 - sum(row.in_flight for row in self.rows) / sum(row.users for row in self.rows)

    @property
    def max_words(self) -> float:
        """The longest prompt that was measured."""
        return max(row.words for row in self.rows)

    @property
    def max_tokens_in_flight(self) -> float:
        """The most tokens that were in an instance's memory at once, at a token a word."""
        return max(row.in_flight * (row.words + row.tokens) for row in self.rows)


def read_profile(path: Path, *, instance_type: str, server: str = "tgi") -> Profile:
    """Return a profile of `make bench`; raise RefusedValueError for a row that cannot be true.

    A row is true if its users are its throughput times its mean latency: else some of them waited
    where no column shows it, or the run was not steady, and every figure drawn from it is wrong.
    """
    rows = []
    for line, values in _lines(path, (*_COLUMNS, *_MEASURED)):
        words, users, rate, latency, tokens = _numbers(
            path, line, values, ("input_words", "concurrency", *_MEASURED)
        ).values()
        in_flight = rate * latency / 1000
        if abs(in_flight / users - 1) > _TOLERANCE:
            raise RefusedValueError(
                f"line {line} of {path} must have as many users as throughput times mean latency,"
                f" within {_TOLERANCE:.0%}: {rate:g} requests/s of {latency:g} ms are"
                f" {in_flight:.1f} users, got {users:g}; measure it again over a steady window"
            )
        rows.append(
            ProfileRow(
                words=words,
                tokens=tokens,
                users=users,
                tokens_per_second=rate * tokens,
                milliseconds_per_token=latency / tokens,
            )
        )
    return _profile(path, instance_type, server, rows)


def published_profile() -> Profile:
    """Return AWS's table of Mistral-7B-Instruct on ml.g5.2xlarge with TGI 1.1.0.

    It has no mean latency, so that Little's law cannot be asked of it. By its median 27 % of the
    users are served nowhere: most plausibly they are those who had finished while a short run
    drained. If they waited unseen, an instance carries less than half of what is derived from it.
    """
    path = PROFILES / "mistral-7b-instruct.ml.g5.2xlarge.tgi-1.1.0.csv"
    rows = [
        ProfileRow(**dict(zip(ProfileRow.__annotations__, numbers.values(), strict=True)))
        for line, values in _lines(path, _COLUMNS)
        for numbers in [_numbers(path, line, values, _COLUMNS)]
    ]
    return _profile(path, "ml.g5.2xlarge", "tgi", rows)


def _profile(path: Path, instance_type: str, server: str, rows: list[ProfileRow]) -> Profile:
    if not rows:
        raise RefusedValueError(f"{path} must have a row for each load, got none")
    return Profile(name=path.stem, instance_type=instance_type, server=server, rows=tuple(rows))


def _lines(path: Path, needed: tuple[str, ...]) -> Sequence[tuple[int, Mapping[str, str]]]:
    try:
        # A spreadsheet's CSV begins with a byte order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names, lines = reader.fieldnames or (), [*enumerate(reader, start=2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RefusedValueError(f"{path} must be CSV in UTF-8: {error}") from error
    if missing := [name for name in needed if name not in names]:
        raise RefusedValueError(
            f"{path} must be a profile of `make bench`, it lacks {', '.join(missing)}"
        )
    return lines


def _numbers(
    path: Path, line: int, values: Mapping[str, str], names: tuple[str, ...]
) -> dict[str, float]:
    try:
        numbers = {name: float(values[name]) for name in names}
    except (ValueError, TypeError):
        numbers = {}
    if not numbers or not all(0 < number <= _MAX_NUMBER for number in numbers.values()):
        given = {name: values[name] for name in names}
        raise RefusedValueError(
            f"line {line} of {path} must hold numbers above 0, at most {_MAX_NUMBER:g}, got {given}"
        )
    return numbers
