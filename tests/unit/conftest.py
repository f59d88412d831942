"""Unit tests reach no network: a test that needs a socket stands in tests/embedded."""

import os

import pytest
from pytest_socket import disable_socket


@pytest.fixture(autouse=True)
def _no_sockets() -> None:
    disable_socket(allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment is placed, whatever accounts.toml says where the tests run."""
    monkeypatch.setenv("ACCOUNTS_FILE", os.devnull)
