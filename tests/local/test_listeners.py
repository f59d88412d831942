"""Who can reach the embedded AWS: this machine only, whatever it has started."""

from collections.abc import Iterator
from pathlib import Path

import httpx

from local.deployment import Deployment
from tests.local.conftest import EmbeddedAws

_LISTENING = "0A"
_LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def test_every_socket_that_listens_is_bound_to_loopback(
    embedded_aws: EmbeddedAws, deployed: Deployment
) -> None:
    # so that the proxy's process runs, as the endpoint's does
    httpx.get(f"{deployed.base_url}/v1/models", timeout=30)
    sockets = {inode for pid in _tree(embedded_aws.pid) for inode in _sockets(pid)}
    addresses = [address for address, inode in _listeners() if inode in sockets]
    assert f"{embedded_aws.port:04X}" in {address.partition(":")[2] for address in addresses}
    assert len(addresses) >= 3  # the server, the endpoint's container, the proxy
    assert {address.partition(":")[0] for address in addresses} <= _LOOPBACK


def _tree(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))


def _sockets(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink()) if descriptor.is_symlink() else ""
        if target.startswith("socket:["):
            yield target.removeprefix("socket:[").removesuffix("]")


def _listeners() -> Iterator[tuple[str, str]]:
    """Address and inode of every listening TCP socket of this machine."""
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING:
                yield fields[1], fields[9]
