"""JSON that a user wrote: whatever is wrong with it, the same kind of error says so."""

import json
from collections.abc import Iterable
from typing import Any

_SHOWN_KEYS, _SHOWN_CHARACTERS = 5, 40


def read_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value; raise a ValueError that does not quote the text."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def shown(keys: Iterable[str]) -> str:
    """Return the first keys for a message, each on one line and cut where it is long."""
    first = list(keys)
    more = ["..."] if len(first) > _SHOWN_KEYS else []
    cut = [repr(key[:_SHOWN_CHARACTERS]) for key in first[:_SHOWN_KEYS]]
    return ", ".join(cut + more) or "none"


def is_unicode(text: str) -> bool:
    """Return whether the text can be written: JSON can escape half a character, such as \\ud800."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
