"""Which tests share a process when `make test` runs several: those with a fixture in common."""

import pytest

# by fixture; the longest test of all shares with the first to be started
_SHARED = {
    "foreign": "stacks",
    "assembly": "stacks",
    "aws": "stacks",
    "embedded_aws": "deployed",
    "account": "account",
    "server": "model server",
    "proxy": "proxy",
    "project": "assets",
    "api": "fuzz",
}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        groups = [group for fixture, group in _SHARED.items() if fixture in fixtures]
        if groups:
            item.add_marker(pytest.mark.xdist_group(groups[0]))
