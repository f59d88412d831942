"""A deployed model that is asked over OpenAI's chat route."""

import re
from dataclasses import dataclass

import openai


@dataclass(frozen=True)
class Stage:
    """Asks greedily, each question a conversation of its own."""

    client: openai.OpenAI
    model: str

    def prompt_tokens(self, prompt: str) -> int:
        """Return the tokens of a prompt as the stage counts them."""
        answer = self._ask(prompt, 1)
        if answer.usage is None:
            raise ValueError("the stage does not say how many tokens a prompt has")
        return answer.usage.prompt_tokens

    def answer_text(self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None) -> str:
        """Answer in at most that many tokens; what follows `until` is not read by anybody."""
        del until
        return self._ask(prompt, max_new_tokens).choices[0].message.content or ""

    def _ask(self, prompt: str, tokens: int) -> openai.types.chat.ChatCompletion:
        return self.client.chat.completions.create(
            model=self.model,
            messages=[{"role": "user", "content": prompt}],
            max_tokens=tokens,
            temperature=0,
        )
