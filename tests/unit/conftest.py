"""Unit tests reach no network: a test that needs a socket stands in tests/embedded."""

import os

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket

# A change is judged by the same examples on however busy a machine: `--hypothesis-profile=default`
# looks for new ones.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _no_sockets() -> None:
    disable_socket(allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment is placed, whatever accounts.toml says where the tests run."""
    monkeypatch.setenv("ACCOUNTS_FILE", os.devnull)
