"""The verb: `python -m rehearsal [--write]`."""

import argparse
import sys

from rehearsal.ci.shell import StepFailedError
from rehearsal.rehearse import PICTURE, rehearse

_INTERRUPTED = 130  # as a shell says it


def main() -> None:
    """Rehearse; exit with 1 if anything ends otherwise than it must."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write the picture to {PICTURE}")
    given = parser.parse_args()
    try:
        rehearse(write=given.write)
    except StepFailedError as error:
        sys.exit(f"a step failed that must not: {error}; build/rehearsal/logs has what it said")
    except KeyboardInterrupt:
        print("interrupted: what ran was stopped", file=sys.stderr)
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
