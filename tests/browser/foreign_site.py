"""A site that attacks: its pages, and an open server that shows that its attempts are real."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPT = Path(__file__).with_name("foreign_page.js")
_OPEN_HEADERS = ("Origin", "Methods", "Headers")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received: list[str]

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_OPTIONS = do_GET  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.received.append(f"{self.command} {self.path}")
        if self.path == "/page":
            self._answer(b"<!doctype html><body><script src='/page.js'></script>", "text/html")
        elif self.path == "/sandboxed":  # what it holds has the origin `null`
            page = b"<!doctype html><body><script src='/page.js'></script>"
            policy = "sandbox allow-scripts allow-forms"
            self._answer(page, "text/html", {"Content-Security-Policy": policy})
        elif self.path == "/page.js":
            self._answer(SCRIPT.read_bytes(), "text/javascript")
        else:
            allowed = {f"Access-Control-Allow-{name}": "*" for name in _OPEN_HEADERS}
            allowed["Access-Control-Allow-Headers"] = "authorization,content-type,x-amz-target"
            self._answer(b"open", "text/plain", allowed)

    def _answer(self, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        fixed = {"Content-Length": str(len(body)), "Cache-Control": "no-store"}
        for name, value in {"Content-Type": kind, **fixed, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[tuple[int, list[str]]]:
    """Serve on a port of its own; yields the port, and the requests as they come."""
    received: list[str] = []
    handler = type("Handler", (_Handler,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, received
    finally:
        server.shutdown()
        server.server_close()
