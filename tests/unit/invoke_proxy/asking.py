"""Requests that the tests of every server make."""

from typing import Any

from tests.unit.invoke_proxy.proxy_double import Answer, client_of
from tests.unit.invoke_proxy.wires import Wire

SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "place", "schema": {"type": "object"}, "strict": True},
}


async def ask(wire: Wire, route: str, body: Any) -> tuple[Answer, list[Any]]:
    """Return the answer in front of a server that says `x`, and what that is asked for."""
    upstream = wire.upstream("x")
    async with client_of(upstream, wire.settings) as client:
        return await client.post(route, body), upstream.bodies


def openai_body(route: str, **more: Any) -> dict[str, Any]:
    """Return a request of one of OpenAI's routes."""
    chat = "chat" in route
    asked = {"messages": [{"role": "user", "content": "a"}]} if chat else {"prompt": "a"}
    return {**asked, **more}
