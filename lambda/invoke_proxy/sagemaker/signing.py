"""The SageMaker runtime's URL by botocore's rules, and signatures (Signature Version 4).

Botocore's own client would block every other stream, and the asynchronous one (aiobotocore)
triples the cold start. Botocore's signatures take a quarter of what a request costs the proxy
before its first token.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import where
from botocore.session import Session

_SERVICE = "sagemaker"
_ALGORITHM = "AWS4-HMAC-SHA256"


class Signer:
    """Signs for the region, endpoint and credentials of the usual AWS environment."""

    def __init__(self) -> None:
        session = Session()
        client = session.create_client("sagemaker-runtime")
        self.ca_file: str = session.get_config_variable("ca_bundle") or where()
        self.url: str = client.meta.endpoint_url.rstrip("/")
        self._region = client.meta.region_name
        # Unverified: that they renew themselves in environments of managed instances, which live
        # for days; look for ExpiredTokenException in the proxy's log after one.
        self._credentials = session.get_credentials()

    def renew(self) -> None:
        """Look for the environment's credentials again."""
        self._credentials = Session().get_credentials()

    def headers(self, path: str, body: bytes, component: str | None) -> list[tuple[str, str]]:
        """Return the headers of a signed POST, raising BotoCoreError without credentials."""
        if self._credentials is None:
            raise NoCredentialsError
        named = {"x-amzn-sagemaker-inference-component": component} if component else {}
        headers = {
            "host": self.url.partition("://")[2],
            "content-type": "application/json",
            "content-length": str(len(body)),
            **named,
        }
        credentials = self._credentials.get_frozen_credentials()
        return signed(path, headers, body, credentials, self._region)


def signed(
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: ReadOnlyCredentials,
    region: str,
) -> list[tuple[str, str]]:
    """Return a POST's headers, whose names are in lower case, with those that sign them all."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    token = {"x-amz-security-token": credentials.token} if credentials.token else {}
    ordered = sorted({**headers, "x-amz-date": moment, **token}.items())
    names = ";".join(name for name, _ in ordered)
    lines = "".join(f"{name}:{value}\n" for name, value in ordered)
    canonical = f"POST\n{quote(path, '/~')}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{_SERVICE}/aws4_request"
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_key(credentials.secret_key, scope), text.encode(), "sha256").hex()
    credential = f"Credential={credentials.access_key}/{scope}"
    value = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return [*ordered, ("authorization", value)]


@lru_cache(maxsize=1)  # It changes with the day and the credentials.
def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def invocation_path(endpoint_name: str) -> str:
    """Return the path of InvokeEndpointWithResponseStream."""
    return f"/endpoints/{quote(endpoint_name, safe='')}/invocations-response-stream"
