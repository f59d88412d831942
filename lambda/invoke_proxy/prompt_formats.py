"""How each model's chats are written, from data that the fine-tuning jobs read too."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

Turn = tuple[str, str]  # Role and text.


class PromptFormat(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One format: a pattern per role, and the texts around the turns."""

    user: str
    assistant: str
    system: str | None = None  # None: system messages join the first user turn.
    answer_cue: str = ""  # Follows the last turn.
    # Precedes an answer in the history, so that the model generates it too; it is not part of the
    # answer.
    answer_prefix: str = ""
    markers: tuple[str, ...]  # Separate turns, whether or not they are special tokens.

    def write(self, turns: Sequence[Turn]) -> str:
        """Return the prompt of a chat, without what the tokenizer puts before it."""
        patterns = {"system": self.system or "", "user": self.user, "assistant": self.assistant}
        history = "".join(patterns[role].format(text) for role, text in turns)
        return history + self.answer_cue


FORMATS: Mapping[str, PromptFormat] = msgspec.json.decode(
    Path(__file__).with_name("prompt_formats.json").read_bytes(), type=dict[str, PromptFormat]
)
