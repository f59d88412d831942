"""The embedded AWS, the account of the environment `local`."""

import os

from embedded_aws import commands
from embedded_aws.host import control, home
from operate.environment import Environment


def local_environment() -> Environment:
    """Return the environment `local`; raises SystemExit if the embedded AWS is not running.

    AWS clients get the credentials of the embedded AWS, unless the shell already points at it:
    then the shell's own credentials count.
    """
    check_running()
    if os.environ.get("AWS_ENDPOINT_URL") != home.ENDPOINT_URL:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(home.client_variables())
    return Environment("local", endpoint_url=home.ENDPOINT_URL)


def status() -> None:
    """Print what runs and what is deployed."""
    check_running()
    commands.status()


def logs() -> None:
    """Print the logs of everything that runs in the embedded AWS."""
    check_running()
    commands.logs()


def check_running() -> None:
    """Raise SystemExit if the embedded AWS is not running."""
    if control.running_pid() is None:
        raise SystemExit("the embedded AWS is not running: `make up` starts it")
