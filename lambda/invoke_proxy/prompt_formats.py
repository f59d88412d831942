"""How each model's chats are written, from data that the fine-tuning jobs read too."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

Turn = tuple[str, str]  # role and text


class PromptFormat(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One format: a pattern a role, and the texts around the turns."""

    user: str
    assistant: str
    system: str | None = None  # None: system messages are part of the first user turn
    begin: str = ""  # What the tokenizer puts before a prompt by itself.
    answer_cue: str = ""  # What follows the last turn.
    # What stands before an answer in the history, so that the model generates it too; it is no
    # part of the answer.
    answer_prefix: str = ""
    markers: tuple[str, ...]  # Tell turns apart; the tokenizer need not know them as special.

    def write(self, turns: Sequence[Turn]) -> str:
        """Return the prompt of a chat, without what the tokenizer puts before it."""
        patterns = {"system": self.system or "", "user": self.user, "assistant": self.assistant}
        history = "".join(patterns[role].format(text) for role, text in turns)
        return history.removeprefix(self.begin) + self.answer_cue


FORMATS: Mapping[str, PromptFormat] = msgspec.json.decode(
    Path(__file__).with_name("prompt_formats.json").read_bytes(), type=dict[str, PromptFormat]
)
