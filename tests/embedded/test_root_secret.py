"""The secret of the embedded AWS's root user stays with its server."""

from pathlib import Path

import httpx

from embedded_aws.host import credentials
from embedded_aws.tests.listeners import process_tree
from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage


def test_functions_and_containers_know_nothing_of_the_roots_secret(
    embedded_aws: LocalStage, deployed: Deployment
) -> None:
    # so that the proxy runs and the authorizer, as the endpoint's container does
    headers = {"Authorization": f"Bearer {deployed.api_key}"}
    httpx.get(f"{deployed.base_url}/v1/models", headers=headers, timeout=300).raise_for_status()
    secret = credentials.ensure(embedded_aws.home).secret_access_key.encode()
    knowing = {pid for pid in process_tree(embedded_aws.pid) if secret in _environment(pid)}
    assert len(list(process_tree(embedded_aws.pid))) >= 4
    assert knowing == {embedded_aws.pid}


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return b""
