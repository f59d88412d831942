"""The user's `template.json`: how a record's keys become a prompt and its completion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from container import JobError
from preparation.records import Fields
from preparation.source import read_text
from preparation.user_json import is_unicode, read_json, shown

# A template may use a key many times: this bounds what it makes of one record.
_MAX_CHARACTERS = 1_000_000


class RecordError(ValueError):
    """A record does not have what its template names."""


@dataclass(frozen=True)
class Template:
    """A prompt and a completion with `{key}` in the places of a record's values."""

    prompt: str
    completion: str

    @property
    def keys(self) -> list[str]:
        """The keys that a record must have, in order of their first use."""
        return list(dict.fromkeys([*_keys(self.prompt), *_keys(self.completion)]))

    def render(self, record: object) -> Fields:
        """Return a record's prompt and completion; raise RecordError where a key is missing."""
        if not isinstance(record, Mapping):
            raise RecordError(f"a record must be a JSON object, got {type(record).__name__}")
        for key in self.keys:
            if key not in record:
                raise RecordError(f"the template's key {key!r} is missing, got {shown(record)}")
            if not isinstance(record[key], str):
                raise RecordError(f"{key!r} must be a string, got {type(record[key]).__name__}")
        return {
            "prompt": _render(self.prompt, record),
            "completion": _render(self.completion, record),
        }


def read_template(path: Path) -> Template:
    """Return a template; raise JobError for a bad one."""
    try:
        content = read_json(read_text(path))
    except ValueError as error:
        raise JobError(f"{path.name} must be JSON: {error}") from error
    parts = content if isinstance(content, dict) else {}
    if parts.keys() != {"prompt", "completion"}:
        given = shown(sorted(parts)) if parts else type(content).__name__
        raise JobError(f"{path.name} must hold exactly prompt and completion, got {given}")
    for name, text in parts.items():
        _check(f"{name} in {path.name}", text)
    return Template(**parts)


def _check(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise JobError(f"{name} must be a string, got {type(text).__name__}")
    if not is_unicode(text):
        raise JobError(f"{name} must be text, got an escape that is half a character")
    try:
        fields = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise JobError(f"{name} must double the braces that stand for themselves: {error}") from (
            error
        )
    for key, form, conversion in fields:
        if not key or key.isdecimal() or set(key) & set(".[") or form or conversion:
            raise JobError(
                f"{name} must use plain keys such as {{response}}, and double the braces that"
                f" stand for themselves, got {{{key}}}"
            )
    if not fields:
        raise JobError(f"{name} must use at least one key, such as {{response}}, got {text!r}")


def _render(text: str, record: Mapping[str, str]) -> str:
    size = len(text) + sum(len(record[key]) for key in _keys(text))
    if size > _MAX_CHARACTERS:
        raise RecordError(f"the template makes {size} characters of it, {_MAX_CHARACTERS} may be")
    return text.format_map(record)


def _keys(text: str) -> list[str]:
    return [key for _, key, _, _ in Formatter().parse(text) if key]
