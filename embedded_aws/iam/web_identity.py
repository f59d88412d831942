"""Web identity: for a token of another issuer, such as GitHub's for a job, a session of a role.

ministack judges the token's claims by the role's trust policy, and takes the token at its word.
Here the issuer must be a provider of the role's account, and one of its keys must have signed it;
AWS fetches those keys from the issuer, the embedded AWS has them from the circumstances.
"""

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from ministack.services import iam, sts

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, Response

_OPERATION = "AssumeRoleWithWebIdentity"
_ALGORITHM = "RS256"


class TokenError(Exception):
    """A token that STS refuses, with the code of its answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """Verify tokens before ministack judges their claims."""
    handle = sts.handle_request

    async def verify_and_handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Json
    ) -> Response:
        given = parse_qs(body.decode(errors="replace"))
        if not _mentions(given, headers, query):
            answer: Response = await handle(method, path, headers, body, query)
            return answer
        role_arn = given.get("RoleArn", [""])[0]
        try:
            if not is_asked(method, headers, query, body):
                raise TokenError("InvalidAction", f"send {_OPERATION} as a form")
            claims, provider = _verified(given.get("WebIdentityToken", [""])[0], role_arn)
            _check_duration(role_arn, given.get("DurationSeconds", ["3600"])[0])
        except TokenError as error:
            refusal: Response = sts._error(400, error.code, escape(str(error)), ns="sts")
            return refusal
        return _told(await handle(method, path, headers, body, query), claims, provider)

    sts.handle_request = verify_and_handle


def is_asked(method: str, headers: dict[str, str], query: Json, body: bytes) -> bool:
    """Return whether a request asks for a session for a token, in the form that SDKs send."""
    action = parse_qs(body.decode(errors="replace")).get("Action")
    plain = method == "POST" and not query and "x-amz-target" not in headers
    return plain and action == [_OPERATION]


def _mentions(form: Json, headers: dict[str, str], query: Json) -> bool:
    """Return whether ministack could read a request as one for a token, whatever its form."""
    actions = (*form.get("Action", ()), *query.get("Action", ()))
    return _OPERATION in (*actions, headers.get("x-amz-target", "").rpartition(".")[2])


def _verified(token: str, role_arn: str) -> tuple[Json, str]:
    """Return a token's claims, and the ARN of its provider; raises TokenError."""
    header, claims, signed, signature = _parts(token)
    issuer = claims["iss"]
    account = role_arn.split(":")[4] if role_arn.count(":") > 4 else ""  # noqa: PLR2004 - an ARN's
    arn = f"arn:aws:iam::{account}:oidc-provider/{issuer.removeprefix('https://')}"
    provider = iam._oidc_providers.get_scoped(account, None, arn)
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    if header.get("alg") != _ALGORITHM or not _is_signed(issuer, header, signed, signature):
        raise _invalid("Couldn't retrieve verification key from your identity provider")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not set(audiences) & set(provider["ClientIDList"]):
        raise _invalid("Incorrect token audience")
    now = time.time()
    if not claims["exp"] > now:
        raise TokenError(
            "ExpiredTokenException",
            f"Token expired: current date/time {now:.0f} must be before the expiration date/time"
            f" {claims['exp']}",
        )
    return claims, arn


def _parts(token: str) -> tuple[Json, Json, bytes, bytes]:
    """Return a token's header, its claims, what is signed, and the signature."""
    try:
        signed, _, signature = token.rpartition(".")
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        known = isinstance(claims["iss"], str) and isinstance(claims["exp"], int | float)
        if not (known and isinstance(header, dict) and claims["sub"] and claims["aud"]):
            raise ValueError("a claim is of another type")
        return header, claims, signed.encode(), _decoded(signature)
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid("The ID Token provided is not a valid JWT.") from error


def _is_signed(issuer: str, header: Json, signed: bytes, signature: bytes) -> bool:
    """Return whether the issuer's key of the token's header has signed it."""
    for key in circumstances.current().identity_providers.get(issuer, ()):
        if key.kid == header.get("kid"):
            e, n = (int.from_bytes(_decoded(part)) for part in (key.e, key.n))
            public = RSAPublicNumbers(e, n).public_key()
            try:
                public.verify(signature, signed, PKCS1v15(), SHA256())
            except InvalidSignature:
                return False
            return True
    return False


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _check_duration(role_arn: str, seconds: str) -> None:
    role: Any = iam._roles.get_scoped(role_arn.split(":")[4], None, role_arn.rpartition("/")[2])
    if role is not None and seconds.isdecimal() and int(seconds) > role["MaxSessionDuration"]:
        raise TokenError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def _invalid(message: str) -> TokenError:
    return TokenError("InvalidIdentityToken", message)


def _told(answer: Response, claims: Json, provider: str) -> Response:
    """Return ministack's answer with the token's own subject, audience and provider in it."""
    status, headers, body = answer
    text = body.decode() if isinstance(body, bytes) else body
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    for member, said, value in (
        ("SubjectFromWebIdentityToken", "test-subject", claims["sub"]),
        ("Audience", "sts.amazonaws.com", audience),
        ("Provider", "sts.amazonaws.com", provider),
    ):
        text = text.replace(
            f"<{member}>{said}</{member}>", f"<{member}>{escape(str(value))}</{member}>"
        )
    return status, headers, text.encode()
