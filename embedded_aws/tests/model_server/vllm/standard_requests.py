"""What model-hosting-container-standards promises for vLLM: requests in order, and their answers.

`tests/clients/container_standards` makes them to that package itself, around handlers like vLLM's,
and `test_standards.py` to vLLM's room. What only the package has: it takes an adapter from the
query where there is no body, and sessions, which are off unless a variable turns them on.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

_ADAPTER = "X-Amzn-SageMaker-Adapter-Identifier"
_ALIAS = "X-Amzn-SageMaker-Adapter-Alias"
_SESSION = "X-Amzn-SageMaker-Session-Id"
_ASKED = {"prompt": "x", "max_tokens": 1}
SOURCE = "the adapter's folder"
_NEW = {"name": "friend", "src": SOURCE}
_NO_SESSIONS = "Invalid payload. stateful sessions not enabled"


class Asked(NamedTuple):
    """A request, and the status and a text of its answer."""

    call: str
    body: Any
    status: int
    text: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def method(self) -> str:
        """The method."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path."""
        return self.call.partition(" ")[2]

    @property
    def headers(self) -> dict[str, str]:
        """All headers."""
        return {"content-type": "application/json", **dict(self.more)}

    def content(self, adapter: Path) -> bytes:
        """Return the body, with an adapter's folder in its place."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return json.dumps(self.body).replace(SOURCE, str(adapter)).encode()


REQUESTS = [
    Asked("GET /ping", None, 200),
    Asked("POST /ping", None, 200),
    Asked("POST /invocations", _ASKED, 200, '"model":"small"'),
    Asked("POST /invocations", {**_ASKED, "model": "gone"}, 200, '"model":"small"'),
    Asked("POST /invocations", b"{", 400, "JSON decode error: "),
    Asked("GET /adapters", None, 405),
    Asked("POST /adapters", None, 400),
    Asked("POST /adapters", b"{", 400),
    *(
        Asked("POST /adapters", {**_NEW, **wrong}, 400)
        for wrong in ({"name": ""}, {"name": 1}, {"src": ""}, {"preload": "maybe"}, {"pin": "x"})
    ),
    *(Asked("POST /adapters", {name: _NEW[name]}, 400) for name in _NEW),
    Asked("POST /adapters", {**_NEW, "pin": "true"}, 200, "Adapter friend registered"),
    Asked("POST /adapters", _NEW, 400, "already been loaded"),
    Asked("POST /invocations", _ASKED, 200, '"model":"friend"', ((_ADAPTER, "friend"),)),
    Asked(
        "POST /invocations",
        {**_ASKED, "model": "gone"},
        200,
        '"model":"friend"',
        ((_ADAPTER, "friend"),),
    ),
    Asked("POST /invocations", _ASKED, 200, '"model":"small"', ((_ADAPTER, ""),)),
    Asked("POST /invocations", _ASKED, 404, "", ((_ADAPTER, "nobody"),)),
    Asked("DELETE /adapters/friend", None, 200, "Adapter friend unregistered"),
    Asked("DELETE /adapters/friend", None, 404),
    Asked("DELETE /adapters/friend/more", None, 404, "Not Found"),
    Asked("POST /adapters", _NEW, 200, "Adapter Bo registered", ((_ALIAS, "Bo"),)),
    Asked("DELETE /adapters/friend", None, 200, "Adapter Bo unregistered", ((_ALIAS, "Bo"),)),
    Asked(
        "POST /invocations",
        _ASKED,
        400,
        f"{_NO_SESSIONS}, {_SESSION} header not supported",
        ((_SESSION, "s"),),
    ),
    Asked("POST /invocations", _ASKED, 200, "", ((_SESSION, ""),)),
    Asked("POST /invocations", b"{", 400, "JSON decode error: ", ((_SESSION, "s"),)),
    Asked("POST /invocations", {"requestType": "NEW_SESSION"}, 400, f'"{_NO_SESSIONS}"'),
    Asked("POST /invocations", {"requestType": "CLOSE"}, 400, _NO_SESSIONS, ((_SESSION, "s"),)),
    Asked("POST /invocations", {"requestType": "OTHER"}, 400),
    Asked("POST /invocations", {**_ASKED, "requestType": "NEW_SESSION"}, 400),
]
