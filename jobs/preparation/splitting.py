"""Which records are trained on, which stop the training, and which judge the result."""

import hashlib
from collections.abc import Sequence

from container import JobError
from preparation.records import Record

Splits = dict[str, list[Record]]


def split(records: Sequence[Record], validation: float, test: float, seed: int) -> Splits:
    """Assign distinct records to splits by a hash of seed and content, in their old order.

    A record's place among the others does not depend on the file's order; raises JobError.
    """
    counts = {name: _count(len(records), part) for name, part in _parts(validation, test)}
    if sum(counts.values()) >= len(records):
        wanted = " and ".join(f"{count} for {name}" for name, count in counts.items())
        raise JobError(f"too few records to train on: {wanted} were wanted, got {len(records)}")
    order = sorted(range(len(records)), key=lambda number: _draw(records[number], seed))
    first = counts["validation"]
    dealt = {
        "train": order[first + counts["test"] :],
        "validation": order[:first],
        "test": order[first : first + counts["test"]],
    }
    return {name: [records[number] for number in sorted(dealt[name])] for name in dealt}


def _parts(validation: float, test: float) -> list[tuple[str, float]]:
    return [("validation", validation), ("test", test)]


def _count(total: int, part: float) -> int:
    # A split that is asked for is never empty: early stopping and the gate need it.
    return max(1, round(total * part)) if part else 0


def _draw(record: Record, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{record.line}".encode()).digest()
