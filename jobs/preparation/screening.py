"""Which records are kept: no empty one, no duplicate, none longer than training would read."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from preparation.records import Record, Rejection
from preparation.user_json import is_unicode


@dataclass
class Screened:
    """The records that are kept and those that are not: together, all that were read."""

    kept: list[Record] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def screen(items: Iterable[Record | Rejection], max_input_length: int | None) -> Screened:
    """Sort out records; `max_input_length` counts estimated tokens, None sets no limit."""
    screened = Screened()
    first_places: dict[str, str] = {}
    for item in items:
        if isinstance(item, Rejection):
            screened.rejected.append(item)
        elif rejection := _refusal(item, first_places, max_input_length):
            screened.rejected.append(rejection)
        else:
            first_places[item.line] = item.place
            screened.kept.append(item)
    return screened


def _refusal(
    record: Record, first_places: dict[str, str], max_input_length: int | None
) -> Rejection | None:
    for name, text in record.fields.items():
        if not text.strip():
            return Rejection(record.place, "empty", f"the {name} is blank")
        if not is_unicode(text):
            reason = f"the {name} has an escape that is half a character"
            return Rejection(record.place, "malformed", reason)
    if record.line in first_places:
        reason = f"the same as {first_places[record.line]}"
        return Rejection(record.place, "duplicate", reason)
    if max_input_length is not None and record.estimated_tokens > max_input_length:
        reason = f"about {record.estimated_tokens} tokens, max_input_length is {max_input_length}"
        return Rejection(record.place, "over_long", reason)
    return None
