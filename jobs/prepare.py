"""Processing job: validates and splits a data set for fine-tuning and evaluation."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from allowed_values.execution import check_execution, read_arguments
from allowed_values.preparation import parse_options
from container import processing_message_file, processing_root, run_job
from preparation.data_set import deal, read_data
from preparation.report import with_splits
from preparation.splitting import Splits


def prepare(arguments: Sequence[str], root: Path) -> None:
    """Split root/input/data into root/output/{train,validation,test,report}, or raise JobError."""
    values = read_arguments(arguments)
    options = parse_options(values)
    if "base_model_id" in values:  # the values are those of all jobs, as the pipeline gives them
        check_execution(values)
    data = read_data(root / "input" / "data", options)
    _write_json(root / "output" / "report" / "report.json", data.report)
    for warning in data.report["warnings"]:
        print(f"warning: {warning}")
    for rejection in data.report["rejections"]:  # the first hundred
        print(f"rejected {rejection['place']}: {rejection['kind']}: {rejection['reason']}")
    splits = deal(data, options)
    _write(root / "output", splits, with_splits(data.report, splits, options.seed))


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
