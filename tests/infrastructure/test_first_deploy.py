"""The guide to the first deployment: it lists all that is unverified, and the quotas to ask for."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from operate.account.leftovers import STACKS
from operate.preflight.declaration import needed
from stacks import environments
from tests.infrastructure.assembly import ROOT, Assembly

_MARK = "Unverified" + ":"
_GUIDE = ROOT / "docs" / "first-deploy.md"
_WORDS = 6  # that a line of the guide begins with, to be found by
_NOT_SOURCES = {"CHANGELOG.md", "CONTRIBUTING.md", "README.md", "docs/first-deploy.md"}


def _sources() -> Iterator[Path]:
    # Tracked, and not yet tracked: a hook that checks a commit sees both.
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in sorted(set(listed.splitlines()) - _NOT_SOURCES):
        if name.endswith((".py", ".md", ".toml", ".sh", "Makefile", ".txt", ".js", ".html")):
            yield ROOT / name


def _said(text: str) -> Iterator[str]:
    """Yield the first words after each mark, to the end of their comment or paragraph."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        before, mark, first = line.partition(_MARK)
        if not mark:
            continue
        comment = "#" if "#" in before else ""
        following = (other.strip() for other in lines[number + 1 :])
        rest = takewhile(lambda other: other and other.startswith(comment), following)  # noqa: B023 - used at once
        said = " ".join([first, *(other.removeprefix("#") for other in rest)])
        yield " ".join(_words(said)[:_WORDS])


def _words(text: str) -> list[str]:
    return re.sub(r"[`\"*]", "", text).split()


def _unverified() -> set[str]:
    return {
        f"- `{path.relative_to(ROOT)}`: {words}"
        for path in _sources()
        if path.exists()
        for words in _said(path.read_text())
    }


def _listed() -> set[str]:
    lines = re.findall(r"^- `(\S+)`: (.*(?:\n  .*)*)", _GUIDE.read_text(), flags=re.MULTILINE)
    return {f"- `{file}`: {' '.join(_words(text))}" for file, text in lines}


def test_guide_lists_all_that_the_sources_call_unverified() -> None:
    unverified, listed = _unverified(), _listed()
    missing = {one for one in unverified if not any(line.startswith(one) for line in listed)}
    gone = {line for line in listed if not any(line.startswith(one) for one in unverified)}
    todo = "add to docs/first-deploy.md, at the step where it shows, with what to look at:"
    assert not missing, "\n".join([todo, *sorted(missing)])
    todo = "take out of docs/first-deploy.md, for no source says it:"
    assert not gone, "\n".join([todo, *sorted(gone)])


def test_words_after_a_mark_are_read_across_the_lines_of_a_comment() -> None:
    text = f"x = 1  # {_MARK} that `API`\n    # Gateway says so; look at it now.\n"
    assert list(_said(text)) == ["that API Gateway says so; look"]


@pytest.mark.parametrize("name", ["Dev", "Cpu", "Staging", "Prod"])
def test_guide_names_the_quotas_that_each_environment_needs(name: str) -> None:
    environment = getattr(environments, name.lower())(account=None, region=None)
    guide = (ROOT / "docs/guide/deploy.md").read_text()
    header = re.search(r"^\| quota \| (.*) \|$", guide, flags=re.MULTILINE)
    assert header
    column = header[1].split(" | ").index(f"`{name}`")
    rows = re.findall(r"^\| `(ml\.[^`]*)` \| (.*) \|$", guide, flags=re.MULTILINE)
    shown = {quota: int(counts.split(" | ")[column]) for quota, counts in rows}
    assert {quota: count for quota, count in shown.items() if count} == needed(environment)


def test_guide_and_preflight_name_the_quota_of_spot_training() -> None:
    environment = environments.dev(account=None, region=None)
    assert environment.tuning
    tuning = replace(environment.tuning, managed_spot=True)
    spot = needed(replace(environment, tuning=tuning)).keys() - needed(environment).keys()
    assert spot == {"ml.g5.12xlarge for spot training job usage"}
    guide = (ROOT / "docs/guide/deploy.md").read_text()
    assert f"With `managed_spot`, training counts against `{spot.pop()}` instead." in guide


def test_guide_lists_every_type_that_outlives_its_stack(assembly: Assembly) -> None:
    section = (ROOT / "docs/guide/deploy.md").read_text().partition("### What stays behind")[2]
    listed = set(re.findall(r"`(AWS::\w+::\w+)`", section.partition("\n## ")[0]))
    kept = {
        resource["Type"]
        for name in ("Dev", "Staging", "Prod")
        for template in assembly.stacks(name).values()
        for resource in template["Resources"].values()
        if resource.get("DeletionPolicy") == "Retain"
    }
    assert listed == kept


def test_cleanup_knows_each_stack_by_its_description(assembly: Assembly) -> None:
    described = {name: template["Description"] for name, template in assembly.stacks("Dev").items()}
    assert described == {f"Dev-{n}": text for n, text in STACKS.items() if n != "Weights"}
