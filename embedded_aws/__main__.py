"""The command line of the embedded AWS: `embedded-aws start|stop|status|logs|env`."""

import argparse
import sys

from embedded_aws import commands

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
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again to go on")


if __name__ == "__main__":
    main()
