"""How a prompt is written for a model, from the data that the endpoint's proxy reads too."""

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

_FILE = files(__package__) / "prompt_formats.json"
_FORMATS: dict[str, dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))

PROMPT_FORMATS = ("none", *_FORMATS)


def write_prompt(prompt: str, prompt_format: str, special_tokens: Iterable[str]) -> str:
    """Return what the model reads before it answers, white space included: the proxy strips none.

    Control tokens in it, the format's markers and the tokenizer's `special_tokens`, are escaped.
    The tokenizer adds what begins a prompt.
    """
    if prompt_format == "none":
        return prompt
    form = _FORMATS[prompt_format]
    written: str = form["user"].format(_escaped(prompt, prompt_format, special_tokens))
    return written + str(form.get("answer_cue", ""))


def write_completion(completion: str, prompt_format: str, special_tokens: Iterable[str]) -> str:
    """Return the answer as the model should write it, without its end token."""
    if prompt_format == "none":
        return completion
    answer = _escaped(completion.strip(), prompt_format, special_tokens)
    return str(_FORMATS[prompt_format].get("answer_prefix", "")) + answer


def _escaped(text: str, prompt_format: str, special_tokens: Iterable[str]) -> str:
    for token in {*_FORMATS[prompt_format]["markers"], *special_tokens}:
        middle = len(token) // 2
        text = text.replace(token, f"{token[:middle]} {token[middle:]}")
    return text
