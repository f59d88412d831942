"""The pictures in docs/diagrams are of the templates as they are: `make golden` draws them anew."""

import pytest

from documentation.diagrams.dot import dot
from documentation.diagrams.picture import FOLDER, draw, mark
from tests.infrastructure.assembly import Assembly

_PICTURES = {"request": ("Api", "Serving"), "release": ("Training", "Serving")}


@pytest.mark.parametrize("name", [*_PICTURES])
def test_picture_is_of_the_templates_as_they_are(
    name: str, assembly: Assembly, pytestconfig: pytest.Config
) -> None:
    bodies = assembly.stacks("Prod")
    text = dot({f"Prod-{stack}": bodies[f"Prod-{stack}"] for stack in _PICTURES[name]})
    path = FOLDER / f"{name}.svg"
    if pytestconfig.getoption("--update-golden"):
        draw(text, path)
    assert path.read_text(encoding="utf-8").endswith(mark(text)), "see `make golden`"


def test_picture_follows_a_published_arn_and_a_role_into_another_stack(assembly: Assembly) -> None:
    text = dot(assembly.stacks("Prod"))
    (proxy,) = (line for line in text.splitlines() if "InvokeEndpointWithResponseStream" in line)
    assert '"Prod-Api.InvokeProxyFunction' in proxy
    assert '-> "Prod-Serving.LlmEndpoint' in proxy
    assert any("cloudformation: UpdateStack" in line for line in text.splitlines())
