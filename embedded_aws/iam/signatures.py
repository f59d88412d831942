"""Signatures of requests: each is verified, the root's too, before ministack sees it.

ministack verifies the keys of users and sessions, and where it enforces a policy only; it takes
the root's at their word, and `test`, any account id and no key at all for the root's. Only a web
identity comes without: its token is signed instead.
"""

import hashlib
import os
import re
from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from ministack import app as ministack
from ministack.core import iam_evaluator, responses, router, sigv4

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, Response
from embedded_aws.iam import web_identity

_ALGORITHM = "AWS4-HMAC-SHA256"
_HASH = re.compile(r"[0-9a-f]{64}")
_MAX_PRESIGNED_SECONDS = 604_800  # a week, as AWS allows
_UNKNOWN_KEY = (
    "UnrecognizedClientException",
    "The security token included in the request is invalid.",
)
_UNSUPPORTED = ("UnsupportedSignature", "The request signature does not conform to AWS standards.")

_Failure = tuple[str, str]


class _Request(NamedTuple):
    method: str
    raw_path: str
    path: str
    headers: dict[str, str]
    query: dict[str, list[str]]
    body: bytes
    repeated: set[str]  # the headers that came more than once


def names_root(scope: Json) -> bool:
    """Return whether ministack would take a request for the root's without a signature."""
    request = _request(scope, b"")
    key_id = router.extract_access_key_id(request.headers, request.query)
    return bool(key_id) and iam_evaluator.is_root_access_key(key_id)


def failure(scope: Json, body: bytes) -> Response | None:
    """Return the refusal of an unsigned request in its service's words; None if it is signed."""
    request = _request(scope, body)
    found = _failure(request)
    if found is None:
        return None
    error = iam_evaluator.AuthError(*found)
    refusal: Response = ministack._credential_failure(
        _service(request), "", responses.new_uuid(), error, request.headers
    )
    return refusal


def _request(scope: Json, body: bytes) -> _Request:
    headers: dict[str, str] = {}
    names = Counter(name.decode("latin-1").lower() for name, _ in scope["headers"])
    for raw_name, value in scope["headers"]:
        name, text = raw_name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        # A header on several lines is signed as its values joined by a bare comma.
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    query = scope["query_string"].decode("utf-8", "replace")
    return _Request(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["path"],
        headers,
        parse_qs(query, keep_blank_values=True),
        body,
        {name for name, count in names.items() if count > 1},
    )


def _failure(request: _Request) -> _Failure | None:
    presigned = "authorization" not in request.headers
    if presigned and _is_web_identity(request):
        return None
    signature = _parsed(request, presigned=presigned)
    if isinstance(signature, tuple):
        return signature
    token = (
        (request.query.get("X-Amz-Security-Token") or [""])[0]
        if presigned
        else request.headers.get("x-amz-security-token", "")
    )
    secret = _secret(signature.access_key_id, token)
    if isinstance(secret, tuple):
        return secret
    checked: _Failure | None = (
        _time_failure(signature, request, presigned=presigned)
        or _coverage_failure(signature, request)
        or sigv4.header_signature_failure(
            signature,
            secret,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            request.body,
            presigned=presigned,
        )
    )
    return checked


def _parsed(request: _Request, *, presigned: bool) -> Any:
    """Return the parts of the one signature that a request may carry, or what is wrong with it."""
    query_signed = {"X-Amz-Signature", "AWSAccessKeyId"} & request.query.keys()
    if presigned and not query_signed:
        return "MissingAuthenticationToken", "Request is missing Authentication Token"
    algorithm = (
        request.query.get("X-Amz-Algorithm", [""])[0]
        if presigned
        else request.headers["authorization"].partition(" ")[0]
    )
    if algorithm != _ALGORITHM or (query_signed and not presigned):
        return _UNSUPPORTED
    if "authorization" in request.repeated or any(len(v) > 1 for v in _amz(request.query)):
        return _UNSUPPORTED
    parse = sigv4.parse_query_signature if presigned else sigv4.parse_header_signature
    signature = parse(request.query if presigned else request.headers)
    if isinstance(signature, tuple):
        return signature
    # ministack must go by the key that is verified here
    claimed = router.extract_access_key_id(request.headers, request.query)
    return signature if claimed == signature.access_key_id else _UNSUPPORTED


def _amz(query: dict[str, list[str]]) -> list[list[str]]:
    return [values for name, values in query.items() if name.lower().startswith("x-amz-")]


def _secret(key_id: str, token: str) -> str | _Failure:
    own = os.environ["AWS_ACCESS_KEY_ID"]
    is_foreign = iam_evaluator.is_root_access_key(key_id) and key_id != own
    if is_foreign and key_id not in circumstances.current().accounts:
        return _UNKNOWN_KEY
    account = key_id if is_foreign else _account(key_id)
    credential = iam_evaluator.resolve_credential(key_id, account, session_token=token)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        # A session's key without its token is an unknown key.
        unknown = credential.code == "InvalidToken" and not token
        return _UNKNOWN_KEY if unknown else (credential.code, credential.message)
    secret: str = credential.secret_access_key
    return secret


def _account(key_id: str) -> str | None:
    """Return the account of a session or a user; None for the root, and for an unknown key."""
    found: str | None = responses._account_from_sts_session(
        key_id
    ) or iam_evaluator.find_iam_access_key_account(key_id)
    return found


def _is_web_identity(request: _Request) -> bool:
    """Return whether a request asks STS for a session for a token, and names no key."""
    asked = (request.method, request.headers, request.query, request.body)
    return web_identity.is_asked(*asked) and _service(request) == "sts"


def _time_failure(signature: Any, request: _Request, *, presigned: bool) -> _Failure | None:
    if not presigned:
        skewed: _Failure | None = sigv4.request_time_failure(signature)
        return skewed
    expires = request.query.get("X-Amz-Expires", [""])[0]
    if not (expires.isascii() and expires.isdigit() and int(expires) <= _MAX_PRESIGNED_SECONDS):
        return "RequestExpired", "X-Amz-Expires must be 0 to 604800 seconds"
    try:
        expired = sigv4.presigned_request_is_expired(signature.amz_date, expires)
    except ValueError:
        expired = True
    return ("RequestExpired", "Request has expired") if expired else None


def _coverage_failure(signature: Any, request: _Request) -> _Failure | None:
    """Return what the signature leaves open that would change the request's meaning."""
    signed = set(signature.signed_headers.split(";"))
    open_headers = {name for name in request.headers if name.startswith("x-amz-")} - signed
    if "host" not in signed or open_headers:
        unsigned = ", ".join(sorted(open_headers)) or "host"
        return "SignatureDoesNotMatch", f"headers must be signed: {unsigned}"
    declared = request.headers.get("x-amz-content-sha256", "")
    if _HASH.fullmatch(declared) and declared != hashlib.sha256(request.body).hexdigest():
        return "SignatureDoesNotMatch", "x-amz-content-sha256 is not the hash of the body"
    if signature.service == "s3" and _service(request) != "s3":
        return "SignatureDoesNotMatch", "Credential should be scoped to correct service"
    return None


def _service(request: _Request) -> str:
    """Return the service that ministack hands the request to."""
    parts = (request.method, request.path, request.headers)
    query = ministack._routing_params(*parts, request.body, request.query)
    name: str = ministack.detect_service(*parts, query)
    return name
