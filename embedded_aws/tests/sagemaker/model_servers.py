"""The processes that stand for model containers."""

from contextlib import suppress

import psutil

from embedded_aws.tests.account import Account


def model_servers(account: Account) -> set[psutil.Process]:
    """Return those that run."""
    found = set()
    for child in psutil.Process(account.aws.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # It may have ended meanwhile.
            if "embedded_aws.model_server" in child.cmdline():
                found.add(child)
    return found
