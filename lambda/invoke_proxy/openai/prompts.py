"""Chats as prompts: TGI 1.1 has no chat route.

TGI adds the first `<s>` itself, so no prompt starts with it. It splits a prompt at special tokens
first, whoever wrote them, so a chat's messages are escaped.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from invoke_proxy.http.errors import RequestError
from invoke_proxy.openai.requests import Message
from invoke_proxy.prompt_formats import PromptFormat, Turn
from invoke_proxy.settings import ControlTokenPolicy


class ControlTokens:
    """The texts that tell a model where a turn begins or ends.

    A space in its middle makes such a text ordinary, also one that the tokenizer does not know as a
    token, such as `[INST]`. No control token contains a space, and none contains its first
    character twice, so escaped text never contains one, whatever the template writes around it.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._escaped = {text: _split(text) for text in sorted(set(texts))}

    def find(self, text: str) -> str | None:
        """Return a control token in the text, or None."""
        return next((token for token in self._escaped if token in text), None)

    def escape(self, text: str) -> str:
        """Return the text with `[INST]` as `[IN ST]`, and so every other control token."""
        for token, escaped in self._escaped.items():
            text = text.replace(token, escaped)
        return text


@lru_cache(maxsize=1)  # All chats with a model have the same.
def _control(texts: tuple[str, ...]) -> ControlTokens:
    return ControlTokens(texts)


def _split(token: str) -> str:
    middle = len(token) // 2
    return f"{token[:middle]} {token[middle:]}"


def chat_prompt(
    messages: Sequence[Message],
    prompt_format: PromptFormat,
    *,
    special_tokens: Sequence[str] = (),
    control_tokens: ControlTokenPolicy = "escape",
) -> str:
    """Return the prompt of a chat; refuse one that the format cannot express.

    Only the template writes control tokens: the format's markers and the tokenizer's
    `special_tokens`. Those in a message are escaped or refused.
    """
    control = _control((*prompt_format.markers, *special_tokens))
    turns: list[Turn] = []
    for position, message in enumerate(messages):
        text = _text(message, position)
        if control_tokens == "refuse" and (token := control.find(text)):
            problem = f"the text must not contain {token!r}, a control token of this model"
            raise _refused(position, "content", problem, "invalid_request")
        role = "system" if message.role == "developer" else message.role
        turns.append((role, control.escape(text)))
    if turns[-1][0] != "user":
        problem = f"the last role must be user, got {turns[-1][0]}"
        raise _refused(len(turns) - 1, "role", problem, "invalid_request")
    return prompt_format.write(turns if prompt_format.system else _alternating(turns))


def _alternating(turns: Sequence[Turn]) -> list[Turn]:
    """Join neighbours of one role, as mistral-common does; system messages join the user's."""
    first = next(position for position, (role, _) in enumerate(turns) if role != "system")
    if turns[first][0] != "user":
        problem = f"the first role after system must be user, got {turns[first][0]}"
        raise _refused(first, "role", problem, "invalid_request")
    sides = groupby(turns, key=lambda turn: "user" if turn[0] == "system" else turn[0])
    return [(role, "\n\n".join(text for _, text in group)) for role, group in sides]


def _text(message: Message, position: int) -> str:
    for field in ("tool_calls", "function_call"):
        if getattr(message, field):
            raise _refused(position, field, "this model cannot call tools")
    if message.role in {"tool", "function"}:
        raise _refused(position, "role", "this model cannot call tools", "unsupported_parameter")
    if message.content is None:
        raise _refused(position, "content", "the message has no content", "invalid_request")
    if isinstance(message.content, str):
        return message.content
    for index, part in enumerate(message.content):
        if part.type != "text" or part.text is None:
            problem = f"this model accepts text only, got {part.type}"
            raise _refused(position, f"content[{index}]", problem)
    return "".join(part.text or "" for part in message.content)


def _refused(
    position: int, field: str, problem: str, code: str = "unsupported_parameter"
) -> RequestError:
    param = f"messages[{position}].{field}"
    return RequestError(code, f"{problem} at `{param}`", param)
