"""The account that the tests of the release function share."""

import pytest

from tests.unit.model_release.account import Account


@pytest.fixture(name="account")
def _account() -> Account:
    return Account()
