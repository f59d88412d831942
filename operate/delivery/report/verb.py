"""The verb: two assemblies in, the comment out, and an exit code that blocks."""

from collections import defaultdict
from pathlib import Path

from operate.delivery.report.changes import changes
from operate.delivery.report.costs import month
from operate.delivery.report.markdown import Section, rendered
from operate.delivery.report.permissions import permission_changes
from operate.delivery.report.templates import Templates, templates_of

# What somebody who may set labels puts on a pull request that loses data on purpose.
LABEL = "replaces-stateful"


def diff_report(before: Path, after: Path, labels: str) -> None:
    """Print the comment; raises SystemExit if it shows a danger that is not labelled."""
    sections = sections_of(templates_of(before), templates_of(after))
    labelled = LABEL in [label.strip() for label in labels.split(",")]
    print(rendered(sections, LABEL, labelled=labelled), end="")
    dangers = sum(len(section.dangers) for section in sections)
    if dangers and not labelled:
        raise SystemExit(
            f"{dangers} stateful resources would be replaced, deleted or left behind: see the"
            f" report, and label the pull request {LABEL} if that is meant"
        )


def sections_of(before: Templates, after: Templates) -> list[Section]:
    """Return what changes in each environment, in the order of their names."""
    environments: dict[str, set[str]] = defaultdict(set)
    for stack in {*before, *after}:
        environments[stack.partition("-")[0]].add(stack)
    return [
        _section(name, *({s: t[s] for s in sorted(stacks & t.keys())} for t in (before, after)))
        for name, stacks in sorted(environments.items())
    ]


def _section(environment: str, before: Templates, after: Templates) -> Section:
    return Section(
        environment=environment,
        changes=list(changes(before, after)),
        permissions={
            stack: lines
            for stack in sorted({*before, *after})
            if (lines := permission_changes(before.get(stack, {}), after.get(stack, {})))
        },
        before=month(before.values()),
        after=month(after.values()),
    )
