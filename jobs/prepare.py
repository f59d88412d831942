"""Processing job: validates and splits a data set for fine-tuning and evaluation."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from allowed_values.execution import check_execution, read_arguments
from allowed_values.input_length import longest_input
from allowed_values.preparation import parse_options
from container import JobError, processing_message_file, processing_root, run_job
from preparation.domain import read_domain
from preparation.instruction import read_instruction
from preparation.report import describe_rejections, make_report, with_splits
from preparation.screening import screen
from preparation.splitting import Splits, split
from preparation.template import read_template

_READERS = {"instruction": read_instruction, "domain": read_domain}


def prepare(arguments: Sequence[str], root: Path) -> None:
    """Split root/input/data into root/output/{train,validation,test,report}, or raise JobError."""
    values = read_arguments(arguments)
    options = parse_options(values)
    if "base_model_id" in values:  # the values are those of all jobs, as the pipeline gives them
        check_execution(values)
    items = _READERS[options.mode](root / "input" / "data")
    # Domain texts are packed into windows: none is too long.
    limited = options.mode == "instruction"
    screened = screen(items, longest_input(options.max_input_length) if limited else None)
    report = make_report(options.mode, screened, options.max_rejected_fraction)
    if options.mode == "instruction":
        report["template"] = asdict(read_template(root / "input" / "data" / "template.json"))
    _write_json(root / "output" / "report" / "report.json", report)
    for rejection in report["rejections"]:  # the first hundred
        print(f"rejected {rejection['place']}: {rejection['kind']}: {rejection['reason']}")
    if len(screened.rejected) > options.max_rejected_fraction * report["records"]["counted"]:
        limit = f"max_rejected_fraction allows {options.max_rejected_fraction:g}"
        raise JobError(f"{describe_rejections(report)}; {limit}")
    splits = split(screened.kept, options.validation_split, options.test_split, options.seed)
    _write(root / "output", splits, with_splits(report, splits, options.seed))


def _write(output: Path, splits: Splits, report: Mapping[str, Any]) -> None:
    for name, records in splits.items():
        path = output / name / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{record.line}\n" for record in records), encoding="utf-8")
    _write_json(output / "report" / "report.json", report)
    # Training puts the data's fingerprint into the model card.
    _write_json(output / "train" / "report.json", report)
    print(json.dumps({name: len(records) for name, records in splits.items()}))


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_job(lambda: prepare(sys.argv[1:], processing_root()), processing_message_file()))
