"""Not a job: checks an execution's values where it is started, as the preparing job will."""

import sys

from allowed_values.execution import check_execution, read_arguments
from allowed_values.rules import RefusedValueError

if __name__ == "__main__":
    try:
        check_execution(read_arguments(sys.argv[1:]))
    except RefusedValueError as error:
        sys.exit(str(error))
