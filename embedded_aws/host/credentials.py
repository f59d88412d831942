"""The root credentials of one embedded AWS: random, and kept where only their owner reads them."""

import configparser
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# The form of AWS's own credentials file: AWS_SHARED_CREDENTIALS_FILE may name it.
_FILE, _PROFILE = "credentials", "default"
_KEY_ID, _SECRET = "aws_access_key_id", "aws_secret_access_key"

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Credentials(NamedTuple):
    """An access key of the root user."""

    access_key_id: str
    secret_access_key: str


def ensure(home: Path) -> Credentials:
    """Return the credentials of the embedded AWS in `home`; the first call creates them.

    Raises SystemExit when the file holds none.
    """
    path = home / _FILE
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path)
        return Credentials(parser[_PROFILE][_KEY_ID], parser[_PROFILE][_SECRET])
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise SystemExit(
            f"{path} must hold {_KEY_ID} and {_SECRET}: delete it, and the next start creates it"
        ) from error


def _create(path: Path) -> None:
    """Write new credentials, whole or not at all: of two that start at once, one wins."""
    # No key of AWS begins like this: nobody takes it for one of theirs.
    key_id = "LOCAL" + "".join(secrets.choice(_ID_LETTERS) for _ in range(15))
    secret = secrets.token_urlsafe(30)
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"[{_PROFILE}]\n{_KEY_ID} = {key_id}\n{_SECRET} = {secret}\n")
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
