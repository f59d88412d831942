"""What the arguments of a command name: the API of a stage or of a URL, and where results go."""

import os
from argparse import Namespace
from datetime import datetime
from pathlib import Path

from operate.api.deployment import find_deployment
from operate.verb import open_environment

_FOLDER = Path("bench-results")


def rest_api(given: Namespace) -> tuple[str, str, str]:
    """Return an API's URL, a key and its model; raises SystemExit if it is not deployed."""
    if given.url:
        if not given.url.startswith(("http://", "https://")):
            raise ValueError(f"--url must begin with http:// or https://, got {given.url}")
        key = os.environ.get(given.key_variable, "")
        return given.url.rstrip("/").removesuffix("/v1"), key, given.model
    deployed = find_deployment(open_environment(given.env), given.client)
    return deployed.base_url, deployed.api_key, deployed.model


def new_folder(name: str) -> Path:
    """Return the folder of a run that begins now."""
    now = datetime.now().astimezone()
    return _FOLDER / f"{name}-{now:%Y%m%d-%H%M%S}"
