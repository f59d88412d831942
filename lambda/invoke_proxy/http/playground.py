"""`GET /playground`: a self-contained page to try the model."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from invoke_proxy.http.errors import ProxyError

if TYPE_CHECKING:
    from invoke_proxy.settings import Settings

_PAGE = Path(__file__).with_name("playground.html")


async def playground(request: Request) -> Response:
    """Return the page, if the settings enable it."""
    settings: Settings = request.app.state.model.settings
    if not settings.playground:
        raise ProxyError("unknown_url")
    page = _page().replace("@model@", escape(settings.model_id))
    page = page.replace("@chat@", str(settings.prompt_format != "none").lower())
    headers = {
        "content-security-policy": _policy(),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(page, headers=headers)


@cache
def _page() -> str:
    return _PAGE.read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Return the policy: only the page's own script and style run, and they reach only this API."""
    return (
        f"default-src 'none'; script-src {_hash('script')}; style-src {_hash('style')}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(tag: str) -> str:
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", _page(), flags=re.DOTALL)
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
