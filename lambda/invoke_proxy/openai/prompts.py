"""Chat templates: TGI 1.1 has no chat route, so a chat becomes its model's prompt here.

TGI adds the first `<s>` itself, so no prompt starts with it.
"""

from collections.abc import Callable, Sequence

import msgspec

from invoke_proxy.http.errors import RequestError
from invoke_proxy.openai.control_tokens import ControlTokens
from invoke_proxy.openai.requests import Message
from invoke_proxy.settings import ControlTokenPolicy

Turn = tuple[str, str]  # role and text


class PromptFormat(msgspec.Struct, frozen=True):
    """How a model's chats are written.

    `markers` are the texts that tell its turns apart; to the tokenizer they need not be special.
    `answer_prefix` is what the template puts before an answer in the history, so that the model
    generates it too; it is no part of the answer.
    """

    render: Callable[[Sequence[Turn]], str]
    markers: tuple[str, ...]
    answer_prefix: str = ""
    alternates: bool = True


def mistral_instruct(turns: Sequence[Turn]) -> str:
    """`[INST] user [/INST] assistant </s><s>[INST] user [/INST]`."""
    written = {"user": "<s>[INST] {} [/INST]", "assistant": " {} </s>"}
    return "".join(written[role].format(text) for role, text in turns).removeprefix("<s>")


def mistrallite(turns: Sequence[Turn]) -> str:
    """`<|prompter|>user</s><|assistant|>assistant</s>…<|assistant|>`."""
    names = {"user": "prompter", "assistant": "assistant"}
    return "".join(f"<|{names[role]}|>{text}</s>" for role, text in turns) + "<|assistant|>"


def chatml(turns: Sequence[Turn]) -> str:
    """`<|im_start|>role`, the text and `<|im_end|>` a turn, then the assistant's start."""
    history = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)
    return f"{history}<|im_start|>assistant\n"


FORMATS: dict[str, PromptFormat] = {
    "mistral-instruct": PromptFormat(
        mistral_instruct, ("<s>", "</s>", "[INST]", "[/INST]"), answer_prefix=" "
    ),
    "mistrallite": PromptFormat(mistrallite, ("<|prompter|>", "<|assistant|>", "</s>")),
    "chatml": PromptFormat(chatml, ("<|im_start|>", "<|im_end|>"), alternates=False),
}


def chat_prompt(
    messages: Sequence[Message],
    prompt_format: PromptFormat,
    *,
    special_tokens: Sequence[str] = (),
    control_tokens: ControlTokenPolicy = "escape",
) -> str:
    """Return the prompt of a chat, refusing one that the format cannot say.

    Only the template writes control tokens: the format's markers and the tokenizer's
    `special_tokens`. Those in a message are escaped or refused.
    """
    control = ControlTokens([*prompt_format.markers, *special_tokens])
    turns: list[Turn] = []
    for position, message in enumerate(messages):
        text = _text(message, position)
        if control_tokens == "refuse" and (token := control.find(text)):
            problem = f"the text must not hold {token!r}, a control token of this model"
            raise _refused(position, "content", problem, "invalid_request")
        role = "system" if message.role == "developer" else message.role
        turns.append((role, control.escape(text)))
    if turns[-1][0] != "user":
        problem = f"the last role must be user, got {turns[-1][0]}"
        raise _refused(len(turns) - 1, "role", problem, "invalid_request")
    if prompt_format.alternates:
        return prompt_format.render(_alternating(turns))
    return prompt_format.render(turns)


def _alternating(turns: Sequence[Turn]) -> list[Turn]:
    """Fold the system messages at the start into the first user turn, and check the order."""
    folded = 0
    while turns[folded][0] == "system":
        folded += 1
    for position, (role, _) in enumerate(turns[folded:]):
        expected = ("user", "assistant")[position % 2]
        if role != expected:
            problem = f"roles alternate, expected {expected}, got {role}"
            raise _refused(folded + position, "role", problem, "invalid_request")
    first_user = "\n\n".join(text for _, text in turns[: folded + 1])
    return [("user", first_user), *turns[folded + 1 :]]


def _text(message: Message, position: int) -> str:
    for field in ("tool_calls", "function_call"):
        if getattr(message, field):
            raise _refused(position, field, "this model cannot call tools")
    if message.role in {"tool", "function"}:
        raise _refused(position, "role", "this model cannot call tools", "unsupported_parameter")
    if message.name:
        raise _refused(position, "name", "this model cannot tell names apart")
    if message.content is None:
        raise _refused(position, "content", "the message has no content", "invalid_request")
    if isinstance(message.content, str):
        return message.content
    for index, part in enumerate(message.content):
        if part.type != "text" or part.text is None:
            problem = f"this model takes text only, got {part.type}"
            raise _refused(position, f"content[{index}]", problem)
    return "".join(part.text or "" for part in message.content)


def _refused(
    position: int, field: str, problem: str, code: str = "unsupported_parameter"
) -> RequestError:
    param = f"messages[{position}].{field}"
    return RequestError(code, f"{problem} at `{param}`", param)
