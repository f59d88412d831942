"""What was read, kept and left out, as `report.json`."""

import hashlib
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, get_args

from preparation.records import Kind, Record
from preparation.screening import Screened
from preparation.splitting import Splits

_LISTED = 100  # rejections that the report names, of any number


def make_report(mode: str, screened: Screened, max_rejected_fraction: float) -> dict[str, Any]:
    """Count the records and fingerprint the kept ones."""
    counts = Counter(rejection.kind for rejection in screened.rejected)
    return {
        "mode": mode,
        "max_rejected_fraction": max_rejected_fraction,  # training keeps to it too
        "sha256": _fingerprint(screened.kept),
        "records": {
            "counted": len(screened.kept) + len(screened.rejected),
            "kept": len(screened.kept),
            "rejected": {kind: counts[kind] for kind in get_args(Kind)},
        },
        "estimated_tokens": _lengths(screened.kept),
        "rejections": [asdict(rejection) for rejection in screened.rejected[:_LISTED]],
    }


def with_splits(report: dict[str, Any], splits: Splits, seed: int) -> dict[str, Any]:
    """Add how the kept records were dealt out."""
    sizes = {name: len(records) for name, records in splits.items()}
    return report | {"splits": sizes, "seed": seed}


def describe_rejections(report: dict[str, Any]) -> str:
    """Say in one line how many records were left out, of which kind, and why the first was."""
    counts = report["records"]["rejected"]
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    first = report["rejections"][0]
    total = report["records"]["counted"]
    return (
        f"{sum(counts.values())} of {total} records were rejected ({kinds});"
        f" the first at {first['place']}: {first['reason']}"
    )


def _fingerprint(records: Sequence[Record]) -> str:
    """Return the SHA-256 of the kept records in their order, one line of JSON each."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(record.line.encode() + b"\n")
    return digest.hexdigest()


def _lengths(records: Sequence[Record]) -> dict[str, int]:
    tokens = [record.estimated_tokens for record in records] or [0]
    return {
        "shortest": min(tokens),
        "median": round(statistics.median(tokens)),
        "longest": max(tokens),
        "total": sum(tokens),
    }
