"""The pictures in docs/diagrams are of the synthesized templates: `make reference` draws them."""

from typing import Any

from documentation.diagrams.dot import dot
from documentation.diagrams.picture import is_drawn_from, texts


def test_pictures_are_of_the_templates_as_they_are() -> None:
    stale = [path.name for path, text in texts() if not is_drawn_from(path, text)]
    assert stale == [], "run `make reference`"


def test_a_picture_follows_a_published_arn_and_a_role_into_another_stack() -> None:
    request, release = (text.splitlines() for _, text in texts())
    (proxy,) = (line for line in request if "InvokeEndpointWithResponseStream" in line)
    assert '"Prod-Api.InvokeProxyFunction' in proxy
    assert '-> "Prod-Serving.LlmEndpoint' in proxy
    assert any("cloudformation: UpdateStack" in line for line in release)


def test_a_picture_sees_the_function_behind_its_alias() -> None:
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "Api": ("AWS::ApiGateway::RestApi", {}),
        "Proxy": ("AWS::Lambda::Function", {}),
        "Live": ("AWS::Lambda::Alias", {"FunctionName": {"Ref": "Proxy"}}),
        "Post": (
            "AWS::ApiGateway::Method",
            {"RestApiId": {"Ref": "Api"}, "Integration": {"Uri": {"Ref": "Live"}}},
        ),
    }
    template = {n: {"Type": kind, "Properties": p} for n, (kind, p) in resources.items()}
    assert '"One.Api" -> "One.Proxy" [label="each request"' in dot({"One": {"Resources": template}})
