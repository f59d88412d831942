"""Asks the deployed model; OPENAI_BASE_URL and OPENAI_API_KEY say which: see `make examples`."""

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam


def ask(prompt: str, *, max_tokens: int = 128, system: str | None = None) -> str:
    """Print the model's answer as it streams, greedily, and return it."""
    with OpenAI() as client:
        model = client.models.list().data[0].id
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": prompt}]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        answer = ""
        for chunk in client.chat.completions.create(
            model=model,
            messages=messages,
            max_tokens=max_tokens,
            temperature=0,
            stream=True,
        ):
            piece = chunk.choices[0].delta.content or ""
            print(piece, end="", flush=True)
            answer += piece
        print()
    return answer
