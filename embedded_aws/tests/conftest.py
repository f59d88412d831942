"""Accounts of an embedded AWS, in which nothing is deployed."""

from collections.abc import Iterator

import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import Account
from embedded_aws.tests.names import pytest_make_parametrize_id
from embedded_aws.tests.process import EmbeddedAws

__all__ = ["pytest_make_parametrize_id"]


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account in which nothing is deployed."""
    account = Account(EmbeddedAws(free_port(), tmp_path_factory.mktemp("account")))
    try:
        account.open()
        yield account
    finally:
        account.aws.stop()


@pytest.fixture
def own_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that a test may stop, in which nothing is deployed."""
    account = Account(EmbeddedAws(free_port(), tmp_path_factory.mktemp("own")))
    try:
        account.open()
        yield account
    finally:
        account.aws.stop()
