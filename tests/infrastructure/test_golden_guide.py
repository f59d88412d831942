"""docs/delivery.md shows the comment as it is: `make golden` writes it anew."""

import copy

import pytest

from operate.delivery.report.markdown import MARKER, rendered
from operate.delivery.report.verb import LABEL, sections_of
from tests.infrastructure.assembly import ROOT, Assembly

_GUIDE = ROOT / "docs" / "delivery.md"
_END = "<!-- end -->"


def test_guide_shows_the_comment_of_a_replaced_configuration(
    assembly: Assembly, pytestconfig: pytest.Config
) -> None:
    before = assembly.stacks("Prod")
    after = copy.deepcopy(before)
    (config,) = (
        each["Properties"]
        for each in after["Prod-Serving"]["Resources"].values()
        if each["Type"] == "AWS::SageMaker::EndpointConfig"
    )
    config["ProductionVariants"][0]["ModelDataDownloadTimeoutInSeconds"] = 3600
    comment = rendered(sections_of(before, after), LABEL, labelled=False)
    head, _, rest = _GUIDE.read_text().partition(f"{MARKER}\n")
    shown, _, tail = rest.partition(_END)
    if pytestconfig.getoption("--update-golden"):
        _GUIDE.write_text(f"{head}{comment}{_END}{tail}")
        shown = comment.removeprefix(f"{MARKER}\n")
    assert f"{MARKER}\n{shown}" == comment, "see `make golden`"
