"""The deployed REST API as its users find it: through CloudFormation's outputs."""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from operate.api.keys import client_names, key_of
from operate.environment import Environment


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a client needs to call a deployed environment."""

    base_url: str
    api_key: str
    model: str
    sagemaker_endpoint: str
    aws_endpoint_url: str | None
    region: str

    def as_json(self) -> str:
        """Return one JSON object, for scripts."""
        return json.dumps(asdict(self), indent=2)


def info(environment: Environment, client: str) -> None:
    """Print what a client needs, for scripts."""
    print(find_deployment(environment, client).as_json())


def openai(environment: Environment, client: str) -> None:
    """Print what a shell evaluates to point OpenAI's clients at an environment."""
    print_openai_variables(find_deployment(environment, client))


def find_deployment(environment: Environment, client_name: str | None = None) -> Deployment:
    """Return what a client needs, by default the first one; raises SystemExit."""
    api, serving = environment.outputs("Api"), environment.outputs("Serving")
    if client_name is None:
        client_name = next(iter(client_names(environment)), "")
    return Deployment(
        base_url=base_url(api, environment.endpoint_url),
        api_key=key_of(environment, client_name),
        model=api["ModelId"],
        sagemaker_endpoint=serving["EndpointName"],
        aws_endpoint_url=environment.endpoint_url,
        region=environment.client("apigateway").meta.region_name,
    )


def base_url(api: Mapping[str, str], endpoint_url: str | None) -> str:
    """Return where the API with these outputs answers: an emulator routes by path, not by name."""
    url = api["ApiUrl"].rstrip("/")
    if endpoint_url:
        stage = url.rpartition("/")[2]
        return f"{endpoint_url.rstrip('/')}/_aws/execute-api/{api['RestApiId']}/{stage}"
    return url


def print_openai_variables(deployment: Deployment) -> None:
    """Print what a shell evaluates to point OpenAI's clients at the deployment."""
    variables = {
        "OPENAI_BASE_URL": f"{deployment.base_url}/v1",
        "OPENAI_API_KEY": deployment.api_key,
    }
    if no_proxy := os.environ.get("NO_PROXY"):  # A network's proxy cannot reach an embedded AWS.
        variables |= {"NO_PROXY": no_proxy, "no_proxy": no_proxy}
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
