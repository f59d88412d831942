"""What a person does with the embedded AWS: start, stop, ask how it is."""

import shlex
import time

from embedded_aws.host import contents, control, home


def start() -> None:
    """Start the embedded AWS unless it runs, and print what its last end cost."""
    if control.start():
        print("started", _losses(), sep="\n", end="")
    else:
        print(f"already running on {home.endpoint_url()}")


def stop() -> None:
    """Stop the embedded AWS; the data stays."""
    print(control.stop())


def status() -> None:
    """Print the server, its stacks and its endpoints."""
    home.enter_environment()
    print(f"embedded AWS   running (pid {_running_pid()}) on {home.endpoint_url()}")
    print(_losses(), end="")
    if failure := control.saving_failure():
        print(failure)
    stacks = contents.stacks()
    if not stacks:
        print("no stack is deployed")
    for name, stack_status in stacks:
        print(f"{name:<14} {stack_status}")
    for name, endpoint_status in contents.endpoints():
        print(f"endpoint       {name} {endpoint_status}")


def logs() -> None:
    """Print the logs of functions, endpoints and jobs, oldest first, then the server's own."""
    _running_pid()
    home.enter_environment()
    for timestamp, name, message in contents.log_lines():
        at = time.strftime("%H:%M:%S", time.localtime(timestamp / 1000))
        print(f"{at} {name.rpartition('/')[2]}: {message}")
    print(f"--- {home.SERVER_LOG}")
    print(home.last_log_lines(50))


def env() -> None:
    """Print what a shell evaluates to turn its AWS clients to the embedded AWS, and to no other."""
    for name in sorted(home.foreign_variables()):
        print(f"unset {name}")
    for name, value in home.client_variables().items():
        print(f"export {name}={shlex.quote(value)}")


def _running_pid() -> int:
    pid = control.running_pid()
    if pid is None:
        raise SystemExit("the embedded AWS is not running: `embedded-aws start` starts it")
    return pid


def _losses() -> str:
    """Return what the server found missing when it started, line by line."""
    return home.LOSSES.read_text() if home.LOSSES.exists() else ""
