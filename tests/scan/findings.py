"""Findings of the scanners, held against what the constructs acknowledge."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Finding(NamedTuple):
    """One rule that one resource breaks; a rule reads as it is acknowledged: `Checkov::CKV_…`."""

    path: str
    rule: str

    @property
    def environment(self) -> str:
        """The stage that the resource belongs to."""
        return self.path.partition("/")[0]

    def is_at_or_below(self, acknowledged: "Finding") -> bool:
        """Whether the other names this rule on this resource or on a construct around it."""
        around = f"{self.path}/".startswith(f"{acknowledged.path}/")
        return around and self.rule == acknowledged.rule


class Verdict(NamedTuple):
    """What is left when each finding has met its acknowledgement."""

    unexplained: list[Finding]
    unused: list[Finding]


def judge(found: Iterable[Finding], acknowledged: Mapping[Finding, str]) -> Verdict:
    """Return what nobody acknowledged, and the acknowledgements that answer nothing."""
    unexplained: set[Finding] = set()
    unused = set(acknowledged)
    for finding in found:
        answers = {other for other in acknowledged if finding.is_at_or_below(other)}
        unused -= answers
        if not answers:
            unexplained.add(finding)
    return Verdict(sorted(unexplained), sorted(unused))
