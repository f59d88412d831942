"""The SageMaker runtime's URL and signatures, by botocore's rules.

Botocore's own client would block every other stream, and the asynchronous one (aiobotocore)
triples the cold start.
"""

from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import where
from botocore.session import Session


class Signer:
    """Signs for the region, endpoint and credentials of the usual AWS environment."""

    def __init__(self) -> None:
        session = Session()
        client = session.create_client("sagemaker-runtime")
        self.ca_file: str = session.get_config_variable("ca_bundle") or where()
        self.url: str = client.meta.endpoint_url.rstrip("/")
        self._region = client.meta.region_name
        self._credentials = session.get_credentials()

    def renew(self) -> None:
        """Look for the environment's credentials again."""
        self._credentials = Session().get_credentials()

    def headers(self, path: str, body: bytes, component: str | None) -> list[tuple[str, str]]:
        """Return the headers of a signed POST, raising BotoCoreError without credentials."""
        if self._credentials is None:
            raise NoCredentialsError
        named = {"X-Amzn-SageMaker-Inference-Component": component} if component else {}
        request = AWSRequest(
            method="POST",
            url=self.url + path,
            headers={
                "Host": self.url.partition("://")[2],
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **named,
            },
            data=body,
        )
        credentials = self._credentials.get_frozen_credentials()
        SigV4Auth(credentials, "sagemaker", self._region).add_auth(request)
        return list(request.headers.items())


def invocation_path(endpoint_name: str) -> str:
    """Return the path of InvokeEndpointWithResponseStream."""
    return f"/endpoints/{quote(endpoint_name, safe='')}/invocations-response-stream"
