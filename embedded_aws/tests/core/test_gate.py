"""No web page reaches the embedded AWS, by whatever it can make a browser send."""

import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.config import Config

from embedded_aws.core import gate
from embedded_aws.tests.account import BUCKET, Account

_PORT = 4566
_OURS = "127.0.0.1:4566"
_PLAYGROUND = "/_aws/execute-api/abc/api/playground"


def scope(path: str = "/", method: str = "GET", **parts: Any) -> dict[str, Any]:
    """A request as the server hands it on; headers are given by name, or as pairs."""
    headers = parts.pop("headers", {})
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    if "host" not in {name.lower() for name, _ in pairs}:
        pairs = [("host", _OURS), *pairs]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
        **parts,
    }


def refused(*arguments: Any, **parts: Any) -> bool:
    return gate.refusal(scope(*arguments, **parts), _PORT) is not None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4566",
        "localhost:4566",
        "LOCALHOST:4566",
        "bucket.localhost:4566",
        "my-bucket-1.s3.localhost:4566",
    ],
)
def test_a_host_that_our_clients_send_is_ours(host: str) -> None:
    assert not refused(headers={"host": host})


@pytest.mark.parametrize(
    "host",
    [
        "",
        "attacker.example",
        "attacker.example:4566",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:4567",
        "127.0.0.1:4566:4566",
        "127.0.0.1.:4566",
        "localhost.:4566",
        "127.1:4566",
        "0.0.0.0:4566",
        "2130706433:4566",
        "[::1]:4566",
        "[::ffff:127.0.0.1]:4566",
        "user@127.0.0.1:4566",
        "127.0.0.1:4566@attacker.example",
        "127.0.0.1:4566, attacker.example",
        "localhost.attacker.example:4566",
        "bucket.localhost.attacker.example:4566",
        "a.b.localhost:4566",
        "api.execute-api.localhost:4566",
        "bucket.localhost:4567",
        "bucket.127.0.0.1:4566",
        "bucket.127.0.0.1.nip.io:4566",
    ],
)
def test_any_other_host_is_foreign(host: str) -> None:
    assert refused(headers={"host": host})


def test_a_request_has_one_host_and_its_forwarded_one_does_not_count() -> None:
    assert refused(headers=[("host", _OURS), ("Host", "attacker.example")])
    assert refused(headers=[("Host", "attacker.example"), ("host", _OURS)])
    without = {**scope(), "headers": []}
    assert gate.refusal(without, _PORT)
    forwarded = {"host": "attacker.example", "x-forwarded-host": _OURS, "forwarded": "host=x"}
    assert refused(headers=forwarded)


def test_on_the_default_port_of_http_a_host_names_none() -> None:
    assert gate.refusal(scope(headers={"host": "127.0.0.1"}), 80) is None
    assert gate.refusal(scope(headers={"host": "attacker.example"}), 80)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://attacker.example",
        "https://127.0.0.1:4566",
        "http://127.0.0.1",
        "http://127.0.0.1:3000",
        "http://localhost:4566",  # another origin than the one that the request goes to
        "http://127.0.0.1:4566.attacker.example",
        "http://127.0.0.1:4566/",
        "file://",
        "chrome-extension://abc",
    ],
)
def test_a_foreign_origin_is_refused_on_every_route(origin: str) -> None:
    for path in ("/", "/_ministack/health", _PLAYGROUND, "/_aws/execute-api/abc/api/health"):
        for method in ("GET", "POST"):
            assert refused(path, method, headers={"origin": origin})
    assert refused(headers=[("origin", f"http://{_OURS}"), ("origin", origin)])


def test_the_own_origin_is_taken() -> None:
    path = "/_aws/execute-api/abc/api/v1/chat/completions"
    fetched = {"origin": f"http://{_OURS}", "sec-fetch-site": "same-origin"}
    assert not refused(path, "POST", headers=fetched)
    assert not refused(headers={"host": "localhost:4566", "origin": "http://localhost:4566"})


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "CROSS-SITE", "new-value"])
def test_what_another_sites_page_sends_is_refused(site: str) -> None:
    for mode in ("no-cors", "cors", "navigate", "websocket", "same-origin"):
        fetched = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": "document"}
        for path in ("/", "/_ministack/health", "/_aws/execute-api/abc/api/health"):
            assert refused(path, headers=fetched)
            assert refused(path, "POST", headers=fetched)


@pytest.mark.parametrize("site", ["none", "same-origin", "None"])
def test_what_a_person_or_an_own_page_asks_for_is_taken(site: str) -> None:
    assert not refused(headers={"sec-fetch-site": site})


def test_a_link_to_the_playground_may_be_followed_and_no_more() -> None:
    follow = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    opened = {**follow, "sec-fetch-dest": "document"}
    assert not refused(_PLAYGROUND, headers=opened)
    assert refused(_PLAYGROUND, "POST", headers=opened)
    assert refused(_PLAYGROUND, headers={**opened, "origin": "null"})
    assert refused(_PLAYGROUND, headers={**opened, "sec-fetch-mode": "no-cors"})
    for dest in ("iframe", "embed", "object", "image", "script", "empty", "frame"):
        assert refused(_PLAYGROUND, headers={**follow, "sec-fetch-dest": dest})
    for path in (f"{_PLAYGROUND}/", f"{_PLAYGROUND}/x", f"/x{_PLAYGROUND}", "/playground"):
        assert refused(path, headers=opened)


def test_a_preflight_is_not_answered_from_anywhere() -> None:
    asked = {"access-control-request-method": "POST"}
    for path in ("/", "/bucket/key", _PLAYGROUND):
        assert refused(path, "OPTIONS", headers=asked)
        assert refused(path, "OPTIONS", headers={**asked, "origin": f"http://{_OURS}"})
        assert refused(path, "OPTIONS")


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/config",
        "/_ministack/ready",
        "/_ministack/lambda-code/f",
        "/_ministack/lambda-layers/l/1/content",
        "/_ministack/cfn-response/token",
        "/_ministack/cfn-signal/token",
        "/_ministack/eks-auth/c",
        "/_ministack/rds/iam-auth",
        "/_ministack/sqs/messages",
        "/_ministack/ses/messages",
        "/_ministack/health/",
        "/_localstack/health",
        "/_localstack/init",
        "//_ministack/reset",
        "/_MiniStack/reset",
    ],
)
def test_ministacks_own_routes_are_closed(path: str) -> None:
    for method in ("GET", "POST", "PUT", "HEAD"):
        assert refused(path, method)


def test_a_custom_resource_answers_where_nobody_can_guess() -> None:
    path = "/_ministack/cfn-response/1f8d2c3e-0000-4444-8888-123456789abc"
    assert not refused(path, "PUT")
    assert not gate.needs_signature(scope(path, "PUT"), _PORT)
    for method in ("GET", "POST", "HEAD", "DELETE"):
        assert refused(path, method)
    assert refused(path, "PUT", headers={"origin": "http://example.com"})
    for wrong in (f"{path}/", f"{path}0", f"/{path}", path.replace("f8d", "F8D"), path[:-1]):
        assert refused(wrong, "PUT")


def test_health_is_for_those_who_read_it() -> None:
    assert not refused("/_ministack/health")
    for method in ("POST", "PUT", "HEAD", "DELETE"):
        assert refused("/_ministack/health", method)


def test_only_plain_http_is_spoken() -> None:
    assert refused(type="websocket")
    assert refused(http_version="2")
    assert refused(path="http://127.0.0.1:4566/")
    assert refused(path="*")


def test_only_health_and_the_deployed_api_need_no_signature() -> None:
    def needs(path: str, method: str = "GET", **parts: Any) -> bool:
        return gate.needs_signature(scope(path, method, **parts), _PORT)

    assert not needs("/_ministack/health")
    assert not needs("/_aws/execute-api/abc/api/v1/models", "POST")
    assert needs("/_aws/execute-api/abc/api/", headers={"host": "bucket.localhost:4566"})
    for path in ("/", "/bucket/key", "/_aws/lambda-url/abc/", "/health", "/_aws/execute-api"):
        assert needs(path)
    assert needs("/restapis/abc/api/_user_request_/v1/models")


# --- over the wire


def answer(account: Account, request: str, body: str = "") -> tuple[int, str]:
    """Send these lines as they are; return the status and the whole answer."""
    lines = request.replace("@", f"127.0.0.1:{account.aws.port}")
    head = lines.strip().replace("\n", "\r\n") + f"\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", account.aws.port), timeout=120) as connection:
        connection.sendall((head + body).encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return int(received.split()[1]), received.decode()


_REFUSED_REQUESTS = [
    "POST /_ministack/reset HTTP/1.1\nHost: @",
    "POST /_ministack%2freset HTTP/1.1\nHost: @",
    "POST /%5fministack/reset HTTP/1.1\nHost: @",
    "POST /x/../_ministack/reset HTTP/1.1\nHost: @",
    "POST http://@/_ministack/reset HTTP/1.1\nHost: @",
    "POST http://attacker.example/_ministack/reset HTTP/1.1\nHost: @",
    "POST /_ministack/reset HTTP/1.0",
    "GET /_ministack/health HTTP/1.0",
    "GET /_ministack/health HTTP/1.1\nHost: attacker.example",
    "GET /_ministack/health HTTP/1.1\nHost: @\nHost: attacker.example",
    "GET http://attacker.example/_ministack/health HTTP/1.1\nHost: @",
    "GET /_ministack/health HTTP/1.1\nHost: @\nOrigin: null",
    "GET /_aws/execute-api/a/b HTTP/1.1\nHost: @\nUpgrade: websocket\nConnection: Upgrade\n"
    "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nOrigin: null",
    "OPTIONS / HTTP/1.1\nHost: @\nOrigin: http://@\nAccess-Control-Request-Method: POST",
    "OPTIONS * HTTP/1.1\nHost: @",
    "GET / HTTP/1.1\nHost: @",
    "GET /health HTTP/1.1\nHost: @",
    "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\nHost: @",
    "PUT /latest/api/token HTTP/1.1\nHost: @\nX-aws-ec2-metadata-token-ttl-seconds: 60",
    "GET /v3/metadata HTTP/1.1\nHost: @",
    "GET /v2/ HTTP/1.1\nHost: @",
    "GET /pool/.well-known/jwks.json HTTP/1.1\nHost: @",
    "GET /oauth2/authorize HTTP/1.1\nHost: @",
    "GET /_aws/lambda-url/abc/ HTTP/1.1\nHost: @",
    "GET /_alb/lb/ HTTP/1.1\nHost: @",
    "GET /iceberg/v1/config HTTP/1.1\nHost: @",
    "POST /WriteGetObjectResponse HTTP/1.1\nHost: @\nX-Amz-Request-Route: x",
]


@pytest.mark.parametrize("request_lines", _REFUSED_REQUESTS, ids=lambda lines: lines.split("\n")[0])
def test_a_request_that_nobody_signed_is_refused_and_changes_nothing(
    account: Account, request_lines: str
) -> None:
    account.put("kept", "content")
    status, text = answer(account, request_lines)
    assert status in {400, 403}
    assert "access-control-" not in text.lower()
    assert account.get("kept") == "content"


def test_a_later_version_of_http_is_not_spoken(account: Account) -> None:
    url = f"http://127.0.0.1:{account.aws.port}/_ministack/health"
    with httpx.Client(http1=False, http2=True, timeout=120) as client:
        assert client.get(url).status_code == 403
    upgrade = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
    }
    assert httpx.get(url, timeout=120).status_code == 200
    assert (
        httpx.get(url, headers=upgrade, timeout=120).status_code == 101
    )  # what follows is version 2


def test_a_forms_post_creates_nothing(account: Account) -> None:
    form = "Action=CreateUser&Version=2010-05-08&UserName=mallory"
    kinds = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x")
    for kind in kinds:
        status, _ = answer(account, f"POST / HTTP/1.1\nHost: @\nContent-Type: {kind}", form)
        assert status in {400, 403}
    users = account.aws.client("iam").list_users()["Users"]
    assert "mallory" not in {user["UserName"] for user in users}


def test_health_answers_and_lets_no_other_origin_read_it(account: Account) -> None:
    status, text = answer(account, "GET /_ministack/health HTTP/1.1\nHost: @\nConnection: close")
    assert status == 200
    assert "access-control-" not in text.lower()


def test_an_answer_to_a_signed_request_lets_no_other_origin_read_it(account: Account) -> None:
    for service, operation in (("sagemaker", "list_models"), ("iam", "list_users")):
        found = getattr(account.aws.client(service), operation)()
        headers = found["ResponseMetadata"]["HTTPHeaders"]
        assert not [name for name in headers if name.startswith("access-control-")]


def test_a_bucket_is_found_by_its_virtual_host(account: Account) -> None:
    account.put("by-host", "content")
    ours = f"127.0.0.1:{account.aws.port}"
    hosts: list[str] = []

    def resolve(request: Any, **_: Any) -> None:  # as a browser and macOS do, and Linux may not
        hosts.append(urlsplit(request.url).netloc)
        request.headers["Host"] = hosts[-1]
        request.url = request.url.replace(hosts[-1], ours)

    s3 = account.aws.client(
        "s3", f"http://localhost:{account.aws.port}", Config(s3={"addressing_style": "virtual"})
    )
    s3.meta.events.register("before-send.s3", resolve)
    assert s3.get_object(Bucket=BUCKET, Key="by-host")["Body"].read() == b"content"
    assert hosts == [f"{BUCKET}.localhost:{account.aws.port}"]


def test_what_is_refused_stands_in_the_servers_log(account: Account) -> None:
    answer(account, "GET /%0aforged HTTP/1.1\nHost: attacker.example")
    log = (account.aws.home / "server.log").read_text()
    assert "refused GET '/\\nforged': its Host is foreign: 'attacker.example'" in log


async def test_the_log_of_a_page_that_keeps_asking_ends(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def unreachable(*_: Any) -> Any:
        raise AssertionError

    closed = gate.Gate(
        unreachable,
        _PORT,
        names_root=lambda _: False,
        allows_origins=lambda _: False,
        failure=lambda *_: (403, {}, b""),
    )
    for _ in range(gate._MAX_LOGGED + 10):
        await closed(scope(headers={"host": "x"}), unreachable, send)
    assert len(caplog.records) == gate._MAX_LOGGED
    refusals = [message for message in sent if message["type"] == "http.response.start"]
    assert {message["status"] for message in refusals} == {403}


async def test_what_ministack_allows_other_origins_is_taken_from_the_answer() -> None:
    async def application(_: Any, __: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        allowed = [(b"Access-Control-Allow-Origin", b"*"), (b"access-control-max-age", b"1")]
        headers = [*allowed, (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x"})

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    served = gate.Gate(
        application,
        _PORT,
        names_root=lambda _: False,
        allows_origins=lambda _: False,
        failure=lambda *_: None,
    )
    for path in ("/_ministack/health", "/bucket"):
        await served(scope(path), receive, send)
    starts = [message["headers"] for message in sent if message["type"] == "http.response.start"]
    assert starts == [[(b"content-type", b"text/plain")]] * 2
    assert json.dumps([message.get("body", b"").decode() for message in sent]).count("x") == 2


_API = "/_aws/execute-api/abc/api/v1/models"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", {"origin": "https://app.example.com", "sec-fetch-site": "cross-site"}),
        ("GET", {"origin": "https://app.example.com", "sec-fetch-site": "cross-site"}),
    ],
)
async def test_api_that_answers_preflights_decides_itself_about_origins(
    method: str, headers: dict[str, str]
) -> None:
    async def application(_: Any, __: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        named = [(b"access-control-allow-origin", b"https://app.example.com")]
        await send({"type": "http.response.start", "status": 200, "headers": named})

    async def asked(path: str, *, allows: bool) -> tuple[int, bool]:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        served = gate.Gate(
            application,
            _PORT,
            names_root=lambda _: False,
            allows_origins=lambda _: allows,
            failure=lambda *_: None,
        )
        await served(scope(path, method, headers=headers), None, send)  # type: ignore[arg-type]  # nobody receives
        return sent[0]["status"], bool(
            [name for name, _ in sent[0]["headers"] if name.startswith(b"access-control-")]
        )

    assert await asked(_API, allows=True) == (200, True)
    assert await asked(_API, allows=False) == (403, False)
    assert await asked("/bucket", allows=True) == (403, False)
