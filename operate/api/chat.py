"""A conversation with the deployed model in the terminal, through the REST API."""

from openai import OpenAI

from operate.api.answers import AnswerError, connect, print_answer
from operate.api.deployment import Deployment, find_deployment
from operate.environment import Environment
from operate.terminal import ask, is_text

Message = dict[str, str]
_ANSWER_TOKENS = 256
_WINDOW_IS_FULL = "context_length_exceeded"


def chat(environment: Environment, client: str) -> None:
    """Talk to the deployed model with a client's key."""
    converse(find_deployment(environment, client))


def converse(deployment: Deployment) -> None:
    """Ask and answer until the person enters an empty line."""
    print(f"chatting with {deployment.model}; an empty line or Ctrl-D ends")
    openai = connect(deployment)
    messages: list[Message] = []
    while question := _ask():
        messages.append({"role": "user", "content": question})
        try:
            answer = _answer_within_window(openai, deployment.model, messages)
        except AnswerError as error:
            print(f"\n({error})")
            messages.pop()
        else:
            messages.append({"role": "assistant", "content": answer})


def _answer_within_window(openai: OpenAI, model: str, messages: list[Message]) -> str:
    while True:
        request = {"model": model, "messages": messages, "max_tokens": _ANSWER_TOKENS}
        try:
            return print_answer(openai, request)
        except AnswerError as error:
            if error.code != _WINDOW_IS_FULL or len(messages) == 1:
                raise
            print("(the model's window is full: it forgets the oldest question)")
            del messages[:2]


def _ask() -> str:
    """Return the next question, empty where the person ends."""
    try:
        while not is_text(question := ask("\nyou> ").strip()):
            print("(the terminal sent bytes that are not UTF-8: type it again)")
    except KeyboardInterrupt:
        print()
        return ""
    return question
