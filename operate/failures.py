"""What goes wrong, as sentences for the person who ran the verb."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

_LOCAL = "local"
_CREDENTIALS = (
    "set the environment's credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    " (and AWS_SESSION_TOKEN, if they are temporary)"
)
# The codes for credentials that are wrong or have expired.
_REFUSED_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "AuthFailure"),
    *("RequestExpired", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
}


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what boto3 raises when AWS cannot be asked or refuses."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return Boto3Error, BotoCoreError, ClientError


def sentence(error: Exception, environment: str) -> str:
    """Return what went wrong, with AWS, the machine or this program, and what helps."""
    if isinstance(error, aws_errors()):
        return _of_aws(error, environment)
    if isinstance(error, OSError):
        return f"{error.filename or 'this machine'}: {error.strerror or error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"unexpected {type(error).__name__}: {error} ({place.filename}, line {place.lineno})\n"
        "it is a fault of this program: `python -X dev -m operate VERB` shows where"
    )


def _of_aws(error: Exception, environment: str) -> str:
    aws = "the embedded AWS" if environment == _LOCAL else "AWS"
    if (code := _code(error)) is None:
        hint = _local_hint() if environment == _LOCAL else _hint(error, environment)
        return f"{aws} cannot be asked: {error}\n{hint}".rstrip()
    if code in _REFUSED_CREDENTIALS:
        hint = _local_hint() if environment == _LOCAL else _CREDENTIALS
        return f"{aws} refused the credentials: {error}\n{hint}"
    return f"{aws} refused the request: {error}"


def _code(error: Exception) -> str | None:
    """Return the code of AWS's answer; None if there was no answer."""
    answer = getattr(error, "response", None)  # A ClientError has one.
    return None if answer is None else str(answer.get("Error", {}).get("Code"))


def _local_hint() -> str:
    return "`make logs` shows what it did last; `make down` and `make up` start it again"


def _hint(error: Exception, environment: str) -> str:
    """Return what helps against an error that came before AWS's answer."""
    from botocore import exceptions as aws

    if isinstance(error, aws.NoRegionError | aws.InvalidRegionError):
        return (
            f"set the environment's region: in accounts.toml, {environment.upper()}_REGION or"
            " AWS_DEFAULT_REGION"
        )
    if isinstance(error, aws.ProfileNotFound):
        return "set AWS_PROFILE to one that `aws configure list-profiles` names, or unset it"
    if isinstance(error, aws.ConfigParseError | aws.ConfigNotFound):
        return "fix that file, or name another with AWS_CONFIG_FILE"
    if _are_credentials_lost(error):
        return _CREDENTIALS
    if isinstance(error, aws.ConnectionError | aws.HTTPClientError):
        return "check the network, its proxy (HTTPS_PROXY), and that the region exists"
    return ""


GOES_ON = 75  # the exit code of a verb that stopped watching: EX_TEMPFAIL of sysexits.h


@contextmanager
def watching(work: str, rejoin: str) -> Iterator[None]:
    """Exit with a code of its own if the credentials end while AWS does the work."""
    try:
        yield
    except aws_errors() as error:
        if not _are_credentials_lost(error) and _code(error) not in _REFUSED_CREDENTIALS:
            raise
        print(
            f"AWS refused the credentials: {error}\n{work} goes on in AWS; with new credentials,"
            f" {rejoin}",
            file=sys.stderr,
        )
        raise SystemExit(GOES_ON) from error


def _are_credentials_lost(error: Exception) -> bool:
    from botocore import exceptions as aws

    lost = (
        *(aws.CredentialRetrievalError, aws.NoCredentialsError, aws.PartialCredentialsError),
        *(aws.SSOError, aws.TokenRetrievalError, aws.InvalidConfigError),
    )
    return isinstance(error, lost)
