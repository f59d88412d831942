"""The embedded AWS's folder on this machine, and the environments of its programs."""

import os
import sys
import uuid
from pathlib import Path

from embedded_aws.host import credentials, guardian, running


def port(variable: str = "LOCAL_AWS_PORT", default: str = "4566") -> int:
    """Return the port that the environment asks for: the embedded AWS's, or ministack's own."""
    given = os.environ.get(variable, default)
    if not given.isdecimal() or not 0 < int(given) <= 65535:  # noqa: PLR2004 - TCP's
        raise SystemExit(f"{variable} must be 1 to 65535, got {given!r}")
    return int(given)


def _default_home() -> Path:
    """Return the checkout's `.local`, or a folder of the user's home when installed."""
    is_checkout = (ROOT / "embedded_aws" / "pyproject.toml").exists()
    return ROOT / ".local" if is_checkout else Path.home() / ".embedded-aws"


ROOT = Path(__file__).parents[2]  # from where `python -m embedded_aws` works
HOME = Path(os.environ.get("LOCAL_AWS_HOME") or _default_home()).expanduser().resolve()
SNAPSHOTS = HOME / "snapshots"
LIVE = HOME / "live"  # what ministack itself writes while it runs
LOSSES = HOME / "lost.txt"  # what the server that runs found missing when it started
TEMPORARY = HOME / "tmp"  # all temporary files of the server and its programs
PID_FILE = HOME / "server.pid"
SERVER_LOG = HOME / "server.log"

REGION = "us-east-1"
PORT = port()  # where the next start will serve


def endpoint_url() -> str:
    """Return where the embedded AWS of this folder answers: on its own port while it runs."""
    found = running.find(PID_FILE)
    return f"http://127.0.0.1:{(found and found.port) or PORT}"


def last_log_lines(count: int) -> str:
    """Return the end of the server's log."""
    return "\n".join(SERVER_LOG.read_text(errors="replace").split("\n")[-count:]).rstrip()


def client_variables() -> dict[str, str]:
    """Return what turns any AWS client, the CDK CLI included, to the embedded AWS."""
    key_id, secret = credentials.ensure(HOME)
    return {
        "AWS_ENDPOINT_URL": endpoint_url(),
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        # A profile of the user's, or a setting of theirs, is for another AWS.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A proxy of the network's does not reach this machine.
        "NO_PROXY": _no_proxy(),
        "no_proxy": _no_proxy(),
        # The CDK CLI asks nobody for news, and tells nobody what it does.
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "CDK_DISABLE_VERSION_CHECK": "1",
        # The CDK CLI caches which account a key belongs to: ours must not meet real keys.
        "CDK_HOME": str(HOME / "cdk"),
    }


def _no_proxy() -> str:
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return ",".join(dict.fromkeys([*filter(None, given.split(",")), "127.0.0.1", "localhost"]))


_SETTINGS = ("AWS_", "AMAZON_", "BOTO_")  # how variables begin that AWS clients read


def foreign_variables() -> set[str]:
    """Return the names of the caller's settings that would turn AWS clients to another AWS."""
    return {n for n in os.environ if n.startswith(_SETTINGS)} - client_variables().keys()


def program_environment() -> dict[str, str]:
    """Return the environment of a program that talks to the embedded AWS, and to no other.

    It has no AWS setting of the caller's, and no proxy, which would not reach this machine.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SETTINGS) and not name.lower().endswith("_proxy")
    }
    return {**kept, **client_variables()}


def enter_environment() -> None:
    """Make it the environment of this process, with all its AWS clients and child processes."""
    environment = program_environment()
    os.environ.clear()
    os.environ.update(environment)


# What the server takes over from the developer's environment: tokens and profiles are not for it.
_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "LOCAL_AWS_JOB_PYTHON")


def server_environment() -> dict[str, str]:
    """Return the settings of ministack: state on disk, one address, no other listeners."""
    python = Path(sys.executable).parent
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **client_variables(),
        "PATH": os.pathsep.join([str(python), os.environ.get("PATH", "")]),
        "LOCAL_AWS_HOME": str(HOME),
        "LOCAL_AWS_PORT": str(PORT),
        "HOME": str(HOME),  # where no AWS profile or token lies
        "TMPDIR": str(TEMPORARY),
        guardian.OWNER: f"{HOME}#{uuid.uuid4().hex}",
        "GATEWAY_PORT": str(PORT),
        "AUTH": "true",  # IAM is enforced: every policy is proven by what works
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(LIVE / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(LIVE / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # glibc gives back at once what is larger than this, as bodies of objects are
        "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
        "PYTHONUNBUFFERED": "1",
    }
