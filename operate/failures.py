"""AWS's errors as sentences for the person who ran the verb."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CREDENTIALS = (
    "set the environment's credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret) and its"
    " region (AWS_REGION)"
)
# The codes for credentials that are wrong or have expired.
_REFUSED_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "AuthFailure"),
    *(
        "RequestExpired",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
    ),
}


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what boto3 raises when AWS cannot be asked or refuses."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return Boto3Error, BotoCoreError, ClientError


def sentence(error: Exception) -> str:
    """Return what AWS said and, if the credentials or the region are at fault, what to do."""
    answer = getattr(error, "response", None)  # A ClientError has one.
    if answer is None:
        return f"AWS cannot be asked: {error}\n{_CREDENTIALS}"
    if answer.get("Error", {}).get("Code") in _REFUSED_CREDENTIALS:
        return f"AWS refused the credentials: {error}\n{_CREDENTIALS}"
    return f"AWS refused the request: {error}"


GOES_ON = 75  # the exit code of a verb that stopped watching: EX_TEMPFAIL of sysexits.h


@contextmanager
def watching(work: str, rejoin: str) -> Iterator[None]:
    """Exit with a code of its own if the credentials end while AWS does the work."""
    try:
        yield
    except aws_errors() as error:
        if not _are_credentials_refused(error):
            raise
        print(
            f"{sentence(error)}\n{work} goes on in AWS; with new credentials, {rejoin}",
            file=sys.stderr,
        )
        raise SystemExit(GOES_ON) from error


def _are_credentials_refused(error: Exception) -> bool:
    from botocore.exceptions import (
        CredentialRetrievalError,
        NoCredentialsError,
        SSOError,
        TokenRetrievalError,
    )

    lost = (CredentialRetrievalError, NoCredentialsError, SSOError, TokenRetrievalError)
    answer = getattr(error, "response", None) or {}
    return isinstance(error, lost) or answer.get("Error", {}).get("Code") in _REFUSED_CREDENTIALS
