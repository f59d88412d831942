"""What a data set is made of once it is read, before and after the checks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Fields = Mapping[str, str]  # prompt and completion, or text
Kind = Literal["malformed", "empty", "duplicate", "over_long"]


@dataclass(frozen=True)
class Record:
    """A record as training reads it, and its place in the user's file."""

    place: str
    fields: Fields

    @property
    def line(self) -> str:
        """The record as one line of JSON, the same for the same fields."""
        return json.dumps(dict(self.fields), ensure_ascii=False, sort_keys=True)

    @property
    def estimated_tokens(self) -> int:
        """Tokens at four UTF-8 bytes each; training counts with the model's own tokenizer."""
        # A fast start matters more here than exactness: a tokenizer needs the model.
        return sum(len(text.encode()) for text in self.fields.values()) // 4 + 1


@dataclass(frozen=True)
class Rejection:
    """A record that is left out, where it stands and why."""

    place: str
    kind: Kind
    reason: str
