"""docs/api.md says what the proxy does."""

import re
from pathlib import Path

import pytest

from invoke_proxy.http.errors import KINDS
from invoke_proxy.servers import SERVERS
from invoke_proxy.settings import ServerName
from invoke_proxy.tgi_types import GenerateParameters

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


def _cells(row: str) -> list[str]:
    """Return a row of the table of servers: what it says of each, in their order."""
    (line,) = re.findall(rf"^\| {re.escape(row)} \| (.+) \|$", _DOCUMENT, re.MULTILINE)
    return [cell.strip() for cell in line.split("|")]


def test_the_table_of_servers_has_a_column_for_each() -> None:
    assert _cells("route or parameter") == [server.title for server in SERVERS.values()]


@pytest.mark.parametrize(("column", "name"), list(enumerate(SERVERS)))
def test_the_table_of_servers_says_what_each_refuses(column: int, name: ServerName) -> None:
    can = SERVERS[name].capabilities
    optional = frozenset().union(*(each.capabilities.without_openai for each in SERVERS.values()))
    refusals = {f"OpenAI's `{each}`": each in can.without_openai for each in optional}
    for each in GenerateParameters.__struct_fields__:
        refusals[f"TGI's `{each}`"] = each in can.without_tgi
    for row, refused in refusals.items():
        assert _cells(row)[column].startswith("refused" if refused else "yes"), row
    assert _cells("`stop`, at most")[column] == str(can.max_stop_sequences)
    assert _cells("OpenAI's `top_logprobs`, at most")[column] == str(can.max_top_logprobs)
    limited = f"at most {can.max_temperature:g}" if can.max_temperature else "yes"
    assert _cells("TGI's `temperature`")[column].endswith(limited)
