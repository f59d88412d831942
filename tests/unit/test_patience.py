"""Tests on a busy machine: httpx gives up after five seconds unless it is told otherwise."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_CALLS = frozenset(
    (
        "get",
        "post",
        "put",
        "head",
        "options",
        "delete",
        "request",
        "stream",
        "Client",
        "AsyncClient",
    )
)
_FILES = [
    path
    for folder in ("tests", "embedded_aws/tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "httpx." in path.read_text(encoding="utf-8")
]


def _is_patient(call: ast.Call) -> bool:
    """Whether it names a timeout, or may: in a mapping."""
    return not {"timeout", "transport", None}.isdisjoint(each.arg for each in call.keywords)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_request_of_a_test_says_how_long_it_waits(path: Path) -> None:
    hasty = [
        call.lineno
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr in _CALLS) == ("httpx", True)
        and not _is_patient(call)
    ]
    assert hasty == []
