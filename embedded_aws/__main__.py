"""The command line of the embedded AWS: `embedded-aws start|stop|status|logs|env`."""

import argparse
import os
import sys

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws import commands
from embedded_aws.host import home

_INTERRUPTED = 130  # as a shell says it

_VERBS = {
    "start": commands.start,
    "stop": commands.stop,
    "status": commands.status,
    "logs": commands.logs,
    "env": commands.env,
}


def main() -> None:
    """Run one verb."""
    parser = argparse.ArgumentParser(
        prog="embedded-aws", description="An AWS with SageMaker on your laptop."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, verb in _VERBS.items():
        verbs.add_parser(name, help=verb.__doc__)
    chosen = parser.parse_args().verb
    try:
        _VERBS[chosen]()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted: run the same command again to continue", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # `embedded-aws logs | head` stops reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"the embedded AWS does not answer as it should: {error}; {home.SERVER_LOG}")
    except OSError as error:
        sys.exit(f"{error.filename or 'this machine'}: {error.strerror or error}")


if __name__ == "__main__":
    main()
