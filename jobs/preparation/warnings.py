"""What looks wrong in data that can be trained on."""

from collections.abc import Sequence

from preparation.records import Record
from preparation.source import Source
from preparation.user_json import shown

_SEPARATORS = ";\t|"
_WORD = 40  # characters, above which a text without a space is no name or number


def warnings_of(source: Source, kept: Sequence[Record]) -> list[str]:
    """Return a sentence for each thing that its owner should look at."""
    if source.column is None:
        return []
    column, warnings = shown([source.column]), []
    if source.column != "text":
        names = shown(source.columns)
        warnings.append(f"no column is named text, so the first one is read, {column}, of {names}")
    if len(source.columns) == 1 and any(each in source.column for each in _SEPARATORS):
        warnings.append(f"columns are separated by commas: {column} is taken for one column")
    texts = [record.fields["text"] for record in kept]
    if texts and not any(map(_has_letters, texts)):
        warnings.append(f"the texts in {column} are numbers only: name the right column text")
    elif texts and all(map(_is_word, texts)):
        warnings.append(f"the texts in {column} are single words: name the right column text")
    return warnings


def _has_letters(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _is_word(text: str) -> bool:
    return len(text) < _WORD and text.isascii() and len(text.split()) == 1
