"""The proxy's process behind the API: replaced without a broken stream, refused in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from embedded_aws.tests.account import until
from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage
from tests.embedded.web_function import template

# The Web Adapter's variables for a snapshot, with the paths that the proxy's function has.
_HOOKS = {
    "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/snapstart/checkpoint",
    "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/snapstart/restored",
}


@contextmanager
def changed(
    aws: LocalStage, function: dict[str, Any], snapshots: str = "None", **variables: str
) -> Iterator[dict[str, Any]]:
    """Let the API call a version of the function with other variables for a while."""
    functions, name = aws.client("lambda"), function["FunctionName"]
    before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    own = function["Environment"]["Variables"]

    def configure(environment: dict[str, str], snapshots: str) -> None:
        functions.update_function_configuration(
            FunctionName=name,
            Environment={"Variables": environment},
            SnapStart={"ApplyOn": snapshots},
        )
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)

    configure({**own, **variables}, snapshots)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    try:
        yield until(lambda: settled(functions, name, version))
    finally:
        configure(own, "None")
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=before)


def settled(functions: Any, name: str, version: str) -> dict[str, Any] | None:
    found: dict[str, Any] = functions.get_function_configuration(
        FunctionName=name, Qualifier=version
    )
    return None if found["State"] == "Pending" else found


def chat(deployed: Deployment, **parameters: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Write about the sea."}]
    return {
        "url": f"{deployed.base_url}/v1/chat/completions",
        "headers": {"Authorization": f"Bearer {deployed.api_key}"},
        "json": {"messages": messages, "temperature": 0, **parameters},
        "timeout": 120,
    }


def test_a_changed_function_ends_no_open_stream(
    embedded_aws: LocalStage, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    with httpx.stream("POST", **chat(deployed, max_tokens=100, stream=True)) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data:")
        with changed(embedded_aws, proxy_function, MODEL_ID="another-name"):
            models = httpx.get(
                f"{deployed.base_url}/v1/models",
                headers={"Authorization": f"Bearer {deployed.api_key}"},
                timeout=120,
            ).json()
            assert [model["id"] for model in models["data"]] == ["another-name"]
            assert [line for line in lines if line][-1] == "data: [DONE]"


def test_a_function_that_does_not_start_is_a_refusal_in_openais_shape(
    embedded_aws: LocalStage, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    with changed(embedded_aws, proxy_function, MAX_TOTAL_TOKENS="none"):
        answer = httpx.post(**chat(deployed, max_tokens=1))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "proxy_unavailable"
    assert answer.headers["retry-after"] == "1"


def test_the_proxy_serves_from_a_version_with_a_snapshot(
    embedded_aws: LocalStage, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    with changed(embedded_aws, proxy_function, "PublishedVersions", **_HOOKS) as version:
        assert (version["SnapStart"]["OptimizationStatus"], version["State"]) == ("On", "Active")
        assert httpx.post(**chat(deployed, max_tokens=1)).status_code == 200


def test_a_version_that_fails_before_its_snapshot_is_not_served(
    embedded_aws: LocalStage, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    hooks = {**_HOOKS, "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/"}
    with changed(embedded_aws, proxy_function, "PublishedVersions", **hooks) as version:
        assert version["State"] == "Failed"
        assert version["StateReason"].endswith("failed the SnapStart hook /")
        assert httpx.post(**chat(deployed, max_tokens=1)).status_code == 503


@contextmanager
def reserving(aws: LocalStage, function: dict[str, Any], executions: int) -> Iterator[None]:
    """Give the function another reservation for a while."""
    functions, name = aws.client("lambda"), function["FunctionName"]
    before = functions.get_function_concurrency(FunctionName=name)
    reserve = functions.put_function_concurrency
    reserve(FunctionName=name, ReservedConcurrentExecutions=executions)
    try:
        yield
    finally:
        reserved = before["ReservedConcurrentExecutions"]
        reserve(FunctionName=name, ReservedConcurrentExecutions=reserved)


def test_the_deployed_function_reserves_what_its_template_says(
    embedded_aws: LocalStage, proxy_function: dict[str, Any]
) -> None:
    reserved = embedded_aws.client("lambda").get_function_concurrency(
        FunctionName=proxy_function["FunctionName"]
    )
    assert reserved["ReservedConcurrentExecutions"] == 128 + 40


def test_a_full_reservation_is_a_refusal_in_openais_shape(
    embedded_aws: LocalStage, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    with (
        reserving(embedded_aws, proxy_function, 1),
        httpx.stream("POST", **chat(deployed, max_tokens=1000, stream=True)) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("data:")
        refused = httpx.post(**chat(deployed, max_tokens=1))
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "proxy_unavailable"
        assert refused.headers["retry-after"] == "1"
        assert next(line for line in lines if line).startswith("data:")
    assert httpx.post(**chat(deployed, max_tokens=1)).status_code == 200


def test_a_context_in_a_callers_header_is_not_believed(deployed: Deployment) -> None:
    asked = chat(deployed, max_tokens=1)
    asked["headers"]["X-Amzn-Request-Context"] = '{"requestId": "forged"}'
    assert httpx.post(**asked).headers["x-request-id"] != "forged"


# On the socket that the embedded AWS gives to a web function, as uvicorn would.
_SERVES_FILES = """
import http.server, os, socketserver
class Handler(http.server.SimpleHTTPRequestHandler):
    address_string = str
    def do_POST(self):
        print(self.path, file=open("health", "a"))
        self.send_response(204)
        self.end_headers()
socketserver.UnixStreamServer(os.environ["UVICORN_UDS"], Handler).serve_forever()
"""


def template_of_a_function_that_tells_its_process() -> str:
    """A version with a snapshot, which answers its process and the hooks that were called."""
    return template(
        f"echo $$ > health; exec python -c '{_SERVES_FILES}'",
        ("GET", "health"),
        snapshot=True,
        Timeout=120,
        Environment={"Variables": {"AWS_LWA_READINESS_CHECK_PATH": "/health", **_HOOKS}},
    )


def test_a_version_with_a_snapshot_is_told_of_it_and_ends_with_its_function(
    embedded_aws: LocalStage,
) -> None:
    cloudformation = embedded_aws.client("cloudformation")
    asked: Any = {"StackName": "Teller", "WaiterConfig": {"Delay": 1}}
    cloudformation.create_stack(
        StackName="Teller",
        TemplateBody=template_of_a_function_that_tells_its_process(),
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(**asked)
    (stack,) = cloudformation.describe_stacks(StackName="Teller")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    url = f"http://127.0.0.1:{embedded_aws.port}/_aws/execute-api/{outputs['ApiId']}/prod/health"
    pid, *hooks = httpx.get(url, timeout=120).text.split()
    assert hooks == [*_HOOKS.values()]
    process = Path("/proc") / pid
    assert process.exists()

    cloudformation.delete_stack(StackName="Teller")
    cloudformation.get_waiter("stack_delete_complete").wait(**asked)
    until(lambda: not process.exists())
