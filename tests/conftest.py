"""Which tests share a process, by their fixtures, and which are left to `make slow`."""

from pathlib import Path

import pytest

from embedded_aws.tests.names import pytest_make_parametrize_id

__all__ = ["pytest_make_parametrize_id"]

# By fixture.
_SHARED = {
    "foreign": "foreign",
    "assembly": "stacks",
    "aws": "stacks",
    "embedded_aws": "deployed",
    "account": "account",
    "server": "model server",
    "vllm": "vllm",
    "llama_server": "llama_server",
    "proxy": "proxy",
    "project": "assets",
    "api": "fuzz",
}

# Their modules make what their tests share, such as a template or a process: once, in one process.
_WHOLE_MODULES = ("tests/infrastructure/", "tests/embedded/")

# By fixture: what builds a wheel or all assets anew, or has an embedded AWS of its own to stop,
# kill and fill up. A module says it of itself with the mark `slow`.
_SLOW = {"foreign", "installed", "project", "own_account"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out of `make test` a module that is slow as a whole, with all that it imports."""
    if collection_path.suffix != ".py" or config.getoption("markexpr") != "not slow":
        return None
    return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text() or None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        groups = [group for fixture, group in _SHARED.items() if fixture in fixtures]
        module = item.nodeid.partition("::")[0]
        if not groups and module.startswith(_WHOLE_MODULES):
            groups = [module]
        if groups:
            item.add_marker(pytest.mark.xdist_group(groups[0]))
        if not _SLOW.isdisjoint(fixtures):
            item.add_marker(pytest.mark.slow)
