"""The deployed REST API as its users find it: through CloudFormation's outputs."""

import json
import os
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


def find_deployment(environment: Environment, client_name: str | None = None) -> Deployment:
    """Return what a client needs, the first client by default; raises SystemExit."""
    api, serving = environment.outputs("Api"), environment.outputs("Serving")
    endpoint_url = os.environ.get("AWS_ENDPOINT_URL")
    if client_name is None:
        client_name = next(iter(client_names(environment)), "")
    return Deployment(
        base_url=base_url(api, endpoint_url),
        api_key=key_of(environment, client_name),
        model=api["ModelId"],
        sagemaker_endpoint=serving["EndpointName"],
        aws_endpoint_url=endpoint_url,
        region=environment.client("apigateway").meta.region_name,
    )


def base_url(api: Mapping[str, str], endpoint_url: str | None) -> str:
    """Return where the API with these outputs answers: an emulator routes by path, not by name."""
    url = api["ApiUrl"].rstrip("/")
    if endpoint_url:
        stage = url.rpartition("/")[2]
        return f"{endpoint_url.rstrip('/')}/_aws/execute-api/{api['RestApiId']}/{stage}"
    return url
