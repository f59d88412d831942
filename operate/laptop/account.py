"""The embedded AWS, the account of the environment `local`."""

from embedded_aws import commands
from embedded_aws.host import control, home
from operate.environment import Environment


def local_environment() -> Environment:
    """Return the environment `local`; raises SystemExit if the embedded AWS is not running.

    From then on this process and its children know of no other AWS.
    """
    check_running()
    home.enter_environment()
    return Environment("local", endpoint_url=home.endpoint_url())


def status() -> None:
    """Print what runs and what is deployed."""
    check_running()
    commands.status()


def logs() -> None:
    """Print the logs of everything that runs in the embedded AWS."""
    check_running()
    commands.logs()


def check_running() -> None:
    """Raise SystemExit if this checkout's embedded AWS is not running."""
    if control.running_pid() is None:
        raise SystemExit("the embedded AWS is not running: `make up` starts it")
