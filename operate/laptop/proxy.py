"""The proxy from its sources, reloaded when they change, in front of the deployed endpoint.

It asks for the deployed stage's key, so that no web page can use the port.
"""

import hmac
import os
import sys
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from embedded_aws.host import contents, home
from operate.api.deployment import Deployment, find_deployment
from operate.cdk_cli import ROOT
from operate.laptop.account import local_environment

_SOURCES = ROOT / "lambda"
_TOKENIZERS = ROOT / "build/invoke_proxy/local/invoke_proxy/tokenizers"
_KEY = "LOCAL_PROXY_KEY"
_PUBLIC = ("/health", "/playground")  # As on API Gateway.


def proxy() -> None:
    """Serve the proxy's sources until interrupted; raises SystemExit if that is not possible."""
    serve(find_deployment(local_environment()))


def serve(deployed: Deployment) -> None:
    """Replace this process by the proxy's server."""
    if not _TOKENIZERS.is_dir():
        raise SystemExit(f"{_TOKENIZERS.relative_to(ROOT)} is missing: run `make build`")
    port = home.port("LOCAL_PROXY_PORT", default="8000")
    print(_how_to_call(f"http://127.0.0.1:{port}", deployed), flush=True)
    sources = _SOURCES / "invoke_proxy"
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", "operate.laptop.proxy:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--lifespan", "on", "--ws", "none"),
        *("--http", "invoke_proxy.http.connection:ClientConnection"),
        *("--reload", "--reload-dir", str(sources), "--timeout-graceful-shutdown", "1"),
    ]
    os.execve(sys.executable, command, _environment(deployed))  # noqa: S606 - our own arguments


def application() -> ASGIApp:
    """Return the proxy's application behind a check of the key, for uvicorn's reloader."""
    # Only uvicorn's processes have the functions' sources on their path.
    from invoke_proxy import application as proxy  # noqa: PLC0415
    from invoke_proxy.sagemaker.runtime import sagemaker_runtime  # noqa: PLC0415
    from invoke_proxy.settings import Settings  # noqa: PLC0415
    from invoke_proxy.tokens import load  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    app = proxy.create_application(
        settings, sagemaker_runtime, lambda name: load(name, _TOKENIZERS)
    )
    return KeyCheck(app, os.environ[_KEY])


class KeyCheck:
    """The check that API Gateway makes of a key before the proxy sees a request."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests with the key, and all requests to public routes."""
        given = _bearer(scope)
        is_public = scope["type"] != "http" or scope["path"] in _PUBLIC
        if is_public or hmac.compare_digest(given, self._key):
            await self._app(scope, receive, send)
            return
        from invoke_proxy.http.errors import WRONG_KEY, ProxyError, error_body  # noqa: PLC0415 - likewise

        body = error_body(ProxyError("invalid_api_key", WRONG_KEY if given else None), tgi=False)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _bearer(scope: Scope) -> bytes:
    """Return the key that a request came with, empty if there is none."""
    given: bytes = dict(scope.get("headers", ())).get(b"authorization", b"")
    scheme, _, key = given.strip().partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""


def _environment(deployed: Deployment) -> dict[str, str]:
    """Return the deployed function's variables, with the credentials of this checkout."""
    return {
        **home.program_environment(),
        **_function()["Environment"]["Variables"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(_SOURCES)]),
        _KEY: deployed.api_key,
    }


def _function() -> dict[str, Any]:
    """Return the deployed proxy's configuration: the only function that a script starts."""
    pages = contents.client("lambda").get_paginator("list_functions").paginate()
    functions = (function for page in pages for function in page["Functions"])
    return next(dict(function) for function in functions if function["Handler"] == "run.sh")


def _how_to_call(url: str, deployed: Deployment) -> str:
    return f"""The proxy, reloaded when {_SOURCES.relative_to(ROOT)}/invoke_proxy changes: {url}

curl -N {url}/v1/chat/completions \\
  -H 'Authorization: Bearer {deployed.api_key}' -H 'Content-Type: application/json' \\
  -d '{{"stream": true, "messages": [{{"role": "user", "content": "Say hello."}}]}}'
"""
