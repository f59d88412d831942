"""A row of the table: what was asked, the verdict, what was found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a row says of the deployment."""

    OK = "OK"
    FAIL = "FAIL"  # it would fail, or harm something
    UNKNOWN = "UNKNOWN"  # AWS did not say, most often because the caller may not ask


@dataclass(frozen=True)
class Row:
    """One row."""

    subject: str
    verdict: Verdict
    found: str
    todo: str = ""


def judged(subject: str, found: str, *, holds: bool, todo: str) -> Row:
    """Return a row that is OK or fails, and says what to do only when it fails."""
    return Row(subject, Verdict.OK, found) if holds else Row(subject, Verdict.FAIL, found, todo)
