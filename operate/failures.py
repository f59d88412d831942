"""AWS's errors as sentences for the person who ran the verb."""

_CREDENTIALS = (
    "set the environment's credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret) and its"
    " region (AWS_REGION)"
)
# The codes for credentials that are wrong or have expired.
_REFUSED_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "AuthFailure"),
    *("UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
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
