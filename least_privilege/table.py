"""The tables of docs/permissions.md: a section for each resource that policies lie at."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from least_privilege.mutants import listed, statements
from least_privilege.only_aws import EXPLANATIONS
from least_privilege.trial import Outcome, Verdict

_PAGE = Path(__file__).parents[1] / "docs" / "permissions.md"
_MARK = "<!-- what follows is written by `make least-privilege WRITE=1` -->\n"
# What is another at the next deployment.
_RANDOM = (
    (r"[0-9a-f]{64}", "<asset>"),
    (r"-[0-9a-fA-F]{12,13}(?![0-9a-fA-F])", ""),
    (r"(local-training)-[0-9a-f]{8}-", r"\1-*-"),
    (r"(-llm-[0-9a-f]{8}-ic)-[0-9a-f]{8}", r"\1-*"),
)


def summary(outcomes: list[Outcome]) -> str:
    """Return the figures in one line."""
    figures = Counter(
        policies=len({(o.policy.owner, o.policy.name) for o in outcomes}),
        statements=len({(o.policy.owner, o.policy.name, o.mutant.statement) for o in outcomes}),
        mutants=len(outcomes),
    )
    figures.update(outcome.verdict.value for outcome in outcomes)
    return _line(figures)


def _line(figures: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in figures.items())


def write(outcomes: list[Outcome]) -> None:
    """Write the sections of these outcomes anew, and the figures of all."""
    head, _, rest = _PAGE.read_text().partition(_MARK)
    sections = dict(_sections(outcomes))
    kept = re.findall(r"^## (.+?)\n\n(.*?)(?=^## |\Z)", rest, flags=re.MULTILINE | re.DOTALL)
    sections = {**{owner: text for owner, text in kept if owner != _NOTES}, **sections}
    total: Counter[str] = Counter()
    for text in sections.values():
        figures = re.findall(r"(\d+) ([a-zA-Z ]+)", text.partition("\n")[0])
        total.update({name: int(count) for count, name in figures})
    parts = [f"## {owner}\n\n{text.rstrip()}\n\n" for owner, text in sorted(sections.items())]
    _PAGE.write_text(f"{head}{_MARK}\nAll in all: {_line(total)}.\n\n{''.join(parts)}{_notes()}")


_NOTES = "What only AWS can show"


def _sections(outcomes: list[Outcome]) -> Iterable[tuple[str, str]]:
    for owner, group in groupby(outcomes, key=lambda o: o.policy.owner):
        found = list(group)
        head = "| policy | statement | without | then |\n| --- | --- | --- | --- |\n"
        rows = "".join(f"| {' | '.join(_row(outcome))} |\n" for outcome in found)
        yield owner, f"{summary(found)}.\n\n{head}{rows}"


def _row(outcome: Outcome) -> tuple[str, ...]:
    removed = outcome.mutant.removed
    if outcome.mutant.is_whole:
        statement = statements(outcome.policy.document)[outcome.mutant.statement]
        effect = "" if statement["Effect"] == "Allow" else "denial of "
        removed = effect + ", ".join(listed(statement["Action"]))
    then = outcome.failure or outcome.verdict.value
    if outcome.verdict is Verdict.ONLY_AWS and outcome.explained:
        then = f"only AWS: {outcome.explained.reason}"
    number = str(outcome.mutant.statement + 1)
    return outcome.policy.name, number, f"`{masked(removed)}`", then


def masked(text: str) -> str:
    """Return a resource's ARN without what is another at the next deployment."""
    for pattern, replacement in _RANDOM:
        text = re.sub(pattern, replacement, text)
    return text


def _notes() -> str:
    lines = (f"- {found.reason} ({found.source})\n" for found in EXPLANATIONS)
    return f"## {_NOTES}\n\n{''.join(lines)}"
