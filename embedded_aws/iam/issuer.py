"""An issuer of web identities: whoever plays GitHub before the embedded AWS signs with its key."""

import base64
import json
import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

_KEY_ID = "1"


class Issuer:
    """An issuer with one key, made for this process alone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)

    def keys(self) -> list[dict[str, str]]:
        """Return what the circumstances name under `identity_providers`."""
        public = self._key.public_key().public_numbers()
        return [{"kid": _KEY_ID, "n": _encoded(_bytes(public.n)), "e": _encoded(_bytes(public.e))}]

    def token(
        self, subject: str, *, audience: str = "sts.amazonaws.com", seconds: float = 300
    ) -> str:
        """Return a token of so many seconds, as GitHub hands it to a job."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
        claims = {"iss": self.url, "sub": subject, "aud": audience, "iat": now}
        parts = (header, {**claims, "exp": now + int(seconds)})
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        signature = self._key.sign(signed.encode(), PKCS1v15(), SHA256())
        return f"{signed}.{_encoded(signature)}"


def _bytes(number: int) -> bytes:
    return number.to_bytes(-(-number.bit_length() // 8))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
