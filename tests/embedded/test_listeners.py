"""Who can reach the embedded AWS: this machine only, and at one door."""

import httpx

from embedded_aws.tests.listeners import tcp_listeners
from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage

_LOOPBACK = "0100007F"


def test_nothing_listens_but_the_server_on_loopback(
    embedded_aws: LocalStage, deployed: Deployment
) -> None:
    # so that the proxy's process runs, as the endpoint's does
    assert httpx.get(f"{deployed.base_url}/health", timeout=300).status_code == 200
    assert tcp_listeners(embedded_aws.pid) == [f"{_LOOPBACK}:{embedded_aws.port:04X}"]


def test_the_sockets_of_functions_and_containers_are_private(embedded_aws: LocalStage) -> None:
    folder = embedded_aws.home / "tmp"
    assert len([path for path in folder.rglob("*") if path.is_socket()]) >= 2
    assert folder.stat().st_mode & 0o777 == 0o700
