"""The comment on a pull request: what changes in each environment, the dangerous first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from operate.delivery.report.changes import Change, Kind
from operate.delivery.report.costs import Month

# By this line the comment is found again, to be written anew in place.
MARKER = "<!-- what this change deploys -->"
_MAX_CHARACTERS = 65_000  # GitHub takes 65,536
_CENT = 0.005
_FLEET = "the whole fleet is replaced behind the endpoint"


@dataclass(frozen=True, kw_only=True)
class Section:
    """What changes in one environment."""

    environment: str
    changes: Sequence[Change]
    permissions: Mapping[str, Sequence[str]]  # by stack
    before: Month
    after: Month

    @property
    def dangers(self) -> list[Change]:
        """The changes that lose what does not come back."""
        return [change for change in self.changes if change.is_dangerous]


def rendered(sections: Sequence[Section], label: str, *, labelled: bool) -> str:
    """Return the comment, cut where GitHub would refuse it."""
    lines = [
        MARKER,
        "## What this change deploys",
        "",
        *_verdict(sections, label, labelled=labelled),
    ]
    lines += ["", "| environment | changes | replaced or deleted | permissions | USD a month |"]
    lines += ["| --- | ---: | ---: | ---: | --- |", *map(_row, sections)]
    for section in sections:
        lines += _details(section)
    text = "\n".join(lines) + "\n"
    if len(text) <= _MAX_CHARACTERS:
        return text
    return f"{text[:_MAX_CHARACTERS]}\n```\n\nThe rest is in the job's summary.\n"


def _verdict(sections: Sequence[Section], label: str, *, labelled: bool) -> list[str]:
    dangers = [(each.environment, change) for each in sections for change in each.dangers]
    if not dangers:
        return ["Nothing that holds data or an address is replaced or deleted."]
    word = "labelled" if labelled else "**blocked**"
    said = f"⚠️ {word}: this loses what does not come back"
    said += "." if labelled else f"; the label `{label}` on the pull request lets it pass."
    named = [
        f"- {environment}: `{change.resource}` ({change.type}) is {change.kind}{_by(change)}"
        for environment, change in dangers
    ]
    return [said, "", *named]


def _row(section: Section) -> str:
    lost = sum(each.is_loss for each in section.changes)
    permissions = sum(map(len, section.permissions.values()))
    cost = _cost(section.before, section.after)
    return f"| {section.environment} | {len(section.changes)} | {lost} | {permissions} | {cost} |"


def _cost(before: Month, after: Month) -> str:
    unknown = f", without {', '.join(after.unknown)}, of unknown price" if after.unknown else ""
    now = _range(after.least, after.most)
    least, most = after.least - before.least, after.most - before.most
    if max(abs(least), abs(most)) < _CENT:
        return f"{now}, as before{unknown}"
    return f"{now} ({_range(least, most, '+')}){unknown}"


def _range(least: float, most: float, sign: str = "") -> str:
    low, high = f"{least:{sign},.2f}", f"{most:{sign},.2f}"
    return low if low == high else f"{low} to {high}"


def _details(section: Section) -> list[str]:
    if not section.changes:
        return []
    lines = ["", f"<details><summary>{section.environment}</summary>", ""]
    lines += ["| stack | resource | type | change |", "| --- | --- | --- | --- |"]
    ordered = sorted(section.changes, key=lambda each: (not each.is_dangerous, each.stack))
    lines += map(_change, ordered)
    if any(section.permissions.values()):
        lines += ["", "Permissions:", "", "```diff"]
        for stack, changed in section.permissions.items():
            lines += [f"{line[:2]}{stack} {line[2:]}" for line in changed]
        lines.append("```")
    return [*lines, "", "</details>"]


def _change(change: Change) -> str:
    mark = f"⚠️ **{change.kind}**" if change.is_dangerous else change.kind
    return f"| {change.stack} | `{change.resource}` | {change.type} | {mark}{_by(change)} |"


def _by(change: Change) -> str:
    if not change.properties:
        return ""
    by = f", by {', '.join(f'`{name}`' for name in change.properties)}"
    is_fleet = change.type == "AWS::SageMaker::Endpoint" and change.kind is Kind.UPDATED
    return f"{by}: {_FLEET}" if is_fleet and "EndpointConfigName" in change.properties else by
