"""Every command of the documents can be one, and it is known how each of the guides' is tested."""

import re

import pytest

from documentation.commands.checking import problem
from documentation.commands.reading import GUIDES, ROOT, blocks, inline, pages
from documentation.commands.ways import WAYS, Elsewhere, way_of


@pytest.mark.parametrize("page", pages())
def test_every_command_of_a_page_parses(page: str) -> None:
    found = [*blocks(page), *inline(page)]
    wrong = {
        command.place: f"{command.text}: {said}"
        for command in found
        if command.language == "console" and (said := problem(command.text))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("make uo", "no target uo"),
        ("make drift ENVIRONMENT=dev", "no variable ENVIRONMENT"),
        ("make drift ENV=production", "must be one of"),
        ("make watch MINUTES=soon", "soon"),
        ('make bench BENCH="--usrs 3"', "--usrs"),
        ("python -m operate drfit", "invalid choice"),
        ("python -m operat drift", "no module operat"),
        ("cdk deploy 'Dev/Servings'", "no stack Dev/Servings"),
        ("aws sagemaker describe-endpoints", "no describe-endpoints"),
        ("aws sagemaker describe-endpoint --name X", "no --name"),
        ("rm -rf build", "unknown program"),
        ("make up && make dwon", "no target dwon"),
    ],
)
def test_a_command_that_cannot_be_one_is_told(command: str, said: str) -> None:
    assert said in problem(command)


def test_how_each_command_of_the_guides_is_tested_is_known() -> None:
    found = [command for page in GUIDES for command in blocks(page)]
    unknown = [f"{each.place}: {each.text}" for each in found if way_of(each) is None]
    assert unknown == [], "add to documentation/commands/ways.py, and run `make reference`"
    assert WAYS.keys() <= {each.text for each in found}


def test_what_is_run_elsewhere_is_run_by_ci() -> None:
    ci = (ROOT / ".ci/run").read_text()
    for way in WAYS.values():
        if isinstance(way, Elsewhere):
            assert re.search(rf"\b{way.suite.removeprefix('make ')}\b", ci), way.suite
            for file in re.findall(r"tests/\S+\.py", way.why):
                assert (ROOT / file).exists()
