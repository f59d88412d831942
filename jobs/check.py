"""Not a job: checks an execution's values and data where it is started, as the jobs will.

Prints the files that are read, the first record that is trained on, and what looks wrong.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from allowed_values.execution import check_execution, read_arguments
from allowed_values.preparation import parse_options
from allowed_values.rules import RefusedValueError
from container import JobError
from preparation.data_set import deal, read_data


def check(folder: Path, arguments: Sequence[str]) -> None:
    """Print one JSON object, or raise JobError or RefusedValueError."""
    values = read_arguments(arguments)
    options = parse_options(values)
    if "base_model_id" in values:  # the values are those of all jobs
        check_execution(values)
    data = read_data(folder, options)
    first = deal(data, options)["train"][0]
    found = {"files": data.source.files, "first": dict(first.fields)}
    print(json.dumps(found | {"warnings": data.report["warnings"]}))


if __name__ == "__main__":
    data = Path(sys.argv[1])
    try:
        check(data, sys.argv[2:])
    except (JobError, OSError) as error:
        sys.exit(f"{error} (data: {data})")
    except RefusedValueError as error:
        sys.exit(str(error))
