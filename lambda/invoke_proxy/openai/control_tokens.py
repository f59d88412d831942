"""Keeps a model's control tokens out of what the participants of a chat write.

TGI takes a prompt as text and cuts it at the special tokens first, whoever wrote them.
"""

from collections.abc import Iterable


class ControlTokens:
    """The texts that a model takes for the frame of a chat, not for a part of it.

    A space in its middle makes such a text ordinary, and spoils the pieces of one that the
    tokenizer does not know, such as `[INST]`. None has a space itself, and each has its first
    character only once: so escaped text holds none, whatever the template writes around it.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._escaped = {text: _split(text) for text in sorted(set(texts))}

    def find(self, text: str) -> str | None:
        """Return a control token that the text holds, or None."""
        return next((token for token in self._escaped if token in text), None)

    def escape(self, text: str) -> str:
        """Return the text with `[INST]` as `[IN ST]`, and so every other control token."""
        for token, escaped in self._escaped.items():
            text = text.replace(token, escaped)
        return text


def _split(token: str) -> str:
    middle = len(token) // 2
    return f"{token[:middle]} {token[middle:]}"
