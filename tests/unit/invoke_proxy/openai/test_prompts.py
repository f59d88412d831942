import pytest

from invoke_proxy.http.errors import RequestError
from invoke_proxy.openai.prompts import chat_prompt
from invoke_proxy.openai.requests import ContentPart, Message
from invoke_proxy.prompt_formats import FORMATS
from tests.unit.invoke_proxy.real_tokenizers import mistral


def chat(*turns: tuple[str, str]) -> list[Message]:
    return [Message(role=role, content=text) for role, text in turns]  # type: ignore[arg-type]  # tests pass plain strings


def prompt(name: str, *turns: tuple[str, str]) -> str:
    return chat_prompt(chat(*turns), FORMATS[name])


CONVERSATION = (("user", "Hi"), ("assistant", "Hello!"), ("user", "Who\nare you?"))


def test_mistral_instruct_is_byte_exact_for_one_turn() -> None:
    assert prompt("mistral-instruct", ("user", "Hi")) == "[INST] Hi [/INST]"


def test_mistral_instruct_is_byte_exact_over_turns_and_leaves_the_first_bos_to_tgi() -> None:
    assert prompt("mistral-instruct", *CONVERSATION) == (
        "[INST] Hi [/INST] Hello!</s>[INST] Who\nare you? [/INST]"
    )


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (CONVERSATION[:1], [1, 733, 16289, 28793, 15359, 733, 28748, 16289, 28793]),
        (
            (("user", "Hi"), ("assistant", "Hello."), ("user", "Who?")),
            [1, 733, 16289, 28793, 15359, 733, 28748, 16289, 28793, 22557, 28723, 2, 733, 16289,
             28793, 6526, 28804, 733, 28748, 16289, 28793],
        ),
        (
            (("system", "Be brief."), ("user", "Hi"), ("user", "there"), ("assistant", "Hello."),
             ("assistant", "Hm."), ("user", "Who?")),
            [1, 733, 16289, 28793, 1739, 6817, 28723, 13, 13, 23809, 13, 13, 15325, 733, 28748,
             16289, 28793, 22557, 28723, 13, 13, 28769, 28719, 28723, 2, 733, 16289, 28793, 6526,
             28804, 733, 28748, 16289, 28793],
        ),
    ],
)  # fmt: skip
def test_mistral_instruct_has_the_token_ids_of_mistral_common(
    turns: tuple[tuple[str, str], ...], expected: list[int]
) -> None:
    # mistral_common's MistralTokenizer.v1().encode_chat_completion(...).tokens
    tokenizer = mistral(("<unk>", "<s>", "</s>"))
    assert tokenizer.encode("<s>" + prompt("mistral-instruct", *turns)).ids == expected


def test_mistral_instruct_folds_the_system_messages_into_the_first_user_turn() -> None:
    turns = (("system", "Be brief."), ("developer", "Use English."), *CONVERSATION)
    assert prompt("mistral-instruct", *turns) == (
        "[INST] Be brief.\n\nUse English.\n\nHi [/INST] Hello!</s>[INST] Who\nare you? [/INST]"
    )


def test_system_message_between_turns_begins_the_users_turn_that_follows() -> None:
    turns = (*CONVERSATION[:2], ("system", "Be brief."), ("user", "Who?"))
    assert prompt("mistral-instruct", *turns) == (
        "[INST] Hi [/INST] Hello!</s>[INST] Be brief.\n\nWho? [/INST]"
    )


def test_mistrallite_is_byte_exact_over_turns() -> None:
    assert prompt("mistrallite", ("system", "Be brief."), *CONVERSATION) == (
        "<|prompter|>Be brief.\n\nHi</s><|assistant|>Hello!</s>"
        "<|prompter|>Who\nare you?</s><|assistant|>"
    )


def test_chatml_is_byte_exact_over_turns() -> None:
    assert prompt("chatml", ("system", "Be brief."), *CONVERSATION) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello!<|im_end|>\n"
        "<|im_start|>user\nWho\nare you?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_name_changes_nothing() -> None:
    named = [Message("user", "Hi", name="Ann")]
    assert chat_prompt(named, FORMATS["mistral-instruct"]) == "[INST] Hi [/INST]"


def test_braces_in_a_message_stay_as_they_are() -> None:
    assert prompt("mistral-instruct", ("user", "{0} {}")) == "[INST] {0} {} [/INST]"


def test_text_parts_are_joined() -> None:
    parts = [ContentPart("text", "a"), ContentPart("text", "b")]
    assert chat_prompt([Message("user", parts)], FORMATS["chatml"]).startswith(
        "<|im_start|>user\nab<|im_end|>"
    )


@pytest.mark.parametrize(
    ("roles", "param"),
    [
        (["assistant", "user"], "messages[0].role"),
        (["system", "assistant", "user"], "messages[1].role"),
        (["user", "assistant"], "messages[1].role"),
        (["system"], "messages[0].role"),
    ],
)
@pytest.mark.parametrize("name", ["mistral-instruct", "mistrallite"])
def test_first_and_last_roles_that_are_not_the_users_are_refused_with_their_place(
    name: str, roles: list[str], param: str
) -> None:
    with pytest.raises(RequestError) as refused:
        prompt(name, *((role, "text") for role in roles))
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (Message("user", [ContentPart("image_url")]), "messages[0].content[0]"),
        (Message("assistant", "Hi", tool_calls=[{}]), "messages[0].tool_calls"),
        (Message("assistant", None, tool_calls=[{}]), "messages[0].tool_calls"),
        (Message("assistant", None, function_call={"name": "f"}), "messages[0].function_call"),
        (Message("tool", "5"), "messages[0].role"),
        (Message("function", "5", name="f"), "messages[0].role"),
    ],
)
def test_what_the_model_cannot_read_is_refused_with_its_place(message: Message, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        chat_prompt([message, Message("user", "Go on")], FORMATS["chatml"])
    assert refused.value.param == param
    assert refused.value.code == "unsupported_parameter"


def test_a_message_without_content_is_refused_with_its_place() -> None:
    with pytest.raises(RequestError) as refused:
        chat_prompt([Message("user")], FORMATS["chatml"])
    assert (refused.value.code, refused.value.param) == ("invalid_request", "messages[0].content")
