"""Not a job: checks an execution's values where it is started, as the preparing job will."""

import sys

from container import JobError
from execution import check_later_jobs, read_values
from preparation.options import parse_options

if __name__ == "__main__":
    try:
        given = read_values(sys.argv[1:])
        parse_options(given)
        check_later_jobs(given)
    except JobError as error:
        sys.exit(str(error))
