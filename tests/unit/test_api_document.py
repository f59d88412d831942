"""docs/api.md says what the proxy does."""

import re
from pathlib import Path

from invoke_proxy.http.errors import KINDS

_DOCUMENT = (Path(__file__).parents[2] / "docs/api.md").read_text()


def test_the_errors_that_no_retry_helps_are_the_proxys() -> None:
    listed = _DOCUMENT.partition("`x-should-retry: false`:")[2].partition(".")[0]
    assert re.findall(r"`(\w+)`", listed) == [code for code, kind in KINDS.items() if kind.final]


def test_the_table_of_errors_is_the_proxys() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| `(\w+)` \| (.+) \| (\d*) \|$", _DOCUMENT, re.MULTILINE
    )
    assert {row[0]: row[1:] for row in rows} == {
        code: (str(kind.status), kind.type, kind.message, str(kind.retry_after_seconds or ""))
        for code, kind in KINDS.items()
    }
