"""Cross-origin calls (CORS): off, unless origins are configured."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

# What a page may read beside the answer: what to quote, and when to retry.
_EXPOSED = ("x-request-id", "retry-after", "x-should-retry")
_PREFLIGHT_SECONDS = 600


def allow_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return the application for the pages of these origins too; without any, as it is."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),  # Clients send headers of their own, such as `x-stainless-os`.
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_SECONDS,
    )


def gateway_cors_headers(origins: Sequence[str]) -> dict[str, str]:
    """Return the headers of refusals by API Gateway and the firewall, which cannot choose.

    Their words are for everybody: where several origins are listed, any page may read them.
    """
    if not origins:
        return {}
    return {
        "Access-Control-Allow-Origin": origins[0] if len(origins) == 1 else "*",
        "Access-Control-Expose-Headers": ", ".join(_EXPOSED),
    }
