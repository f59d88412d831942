"""Unit tests reach no network: a test that needs a socket stands in tests/embedded."""

import pytest
from pytest_socket import disable_socket


@pytest.fixture(autouse=True)
def _no_sockets() -> None:
    disable_socket(allow_unix_socket=True)
