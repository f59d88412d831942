"""A folder's data as training will see them: read, checked, reported and dealt out."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allowed_values.input_length import longest_input
from allowed_values.preparation import Options
from container import JobError
from preparation.domain import read_domain
from preparation.instruction import read_instruction
from preparation.report import describe_rejections, make_report
from preparation.screening import Screened, screen
from preparation.source import Source
from preparation.splitting import Splits, split
from preparation.template import read_template
from preparation.warnings import warnings_of

_READERS = {"instruction": read_instruction, "domain": read_domain}


@dataclass(frozen=True)
class DataSet:
    """What was read from which files, and the report of it."""

    source: Source
    screened: Screened
    report: dict[str, Any]


def read_data(directory: Path, options: Options) -> DataSet:
    """Read and check a folder's data, or raise JobError."""
    source, items = _READERS[options.mode](directory)
    # Domain texts are packed into windows: none is too long.
    limited = options.mode == "instruction"
    screened = screen(items, longest_input(options.max_input_length) if limited else None)
    report = make_report(options.mode, screened, options.max_rejected_fraction)
    report["source"] = {"files": source.files, "column": source.column}
    report["warnings"] = warnings_of(source, screened.kept)
    if options.mode == "instruction":
        report["template"] = asdict(read_template(directory / "template.json"))
    return DataSet(source, screened, report)


def deal(data: DataSet, options: Options) -> Splits:
    """Return the splits; raise JobError if too many records were left out, or too few are left."""
    counted = data.report["records"]["counted"]
    if len(data.screened.rejected) > options.max_rejected_fraction * counted:
        limit = f"max_rejected_fraction allows {options.max_rejected_fraction:g}"
        raise JobError(f"{describe_rejections(data.report)}; {limit}")
    return split(data.screened.kept, options.validation_split, options.test_split, options.seed)
