"""A model under evaluation, and what can be asked of it."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import StoppingCriteria

from language_models.base_weights import Model, find_window, load_model, load_tokenizer
from language_models.examples import Example, Tokenizer
from language_models.prompt_format import write_prompt


@dataclass(frozen=True)
class Answer:
    """A greedy answer and what it took; `tokens` includes an end token."""

    text: str
    tokens: int
    seconds: float


class Subject:
    """A model on the best device available; dropping the last reference frees the device."""

    def __init__(
        self, directory: Path, prompt_format: str, *, attends_to_all: bool = False
    ) -> None:
        gpu = torch.cuda.is_available()
        self.tokenizer: Tokenizer = load_tokenizer(directory)
        self.window = find_window(directory)
        self._format = prompt_format
        self._model: Model = load_model(
            directory,
            dtype=torch.bfloat16 if gpu else torch.float32,
            device="cuda:0" if gpu else "cpu",
            attends_to_all=attends_to_all,
        ).eval()

    def losses(self, example: Example) -> torch.Tensor:
        """Return the loss, in nats, of each token that the example's labels do not hide."""
        tokens = torch.tensor([example["input_ids"]], device=self._model.device)
        targets = torch.tensor(example["labels"][1:], device=self._model.device)
        with torch.inference_mode():
            logits = self._model(input_ids=tokens, use_cache=False).logits[0, :-1].float()
            losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        return losses[targets >= 0].cpu()

    def prompt_tokens(self, prompt: str) -> int:
        """Return the number of tokens in a prompt as the model reads it."""
        return len(self.tokenizer(self._written(prompt)).input_ids)

    def answer(
        self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None = None
    ) -> Answer:
        """Answer a prompt; the answer ends early once `until` is found in it."""
        return self.go_on(self._written(prompt), max_new_tokens, until)

    def answer_text(self, prompt: str, max_new_tokens: int, until: re.Pattern[str] | None) -> str:
        """Answer a prompt, as one who is asked to recall something."""
        return self.answer(prompt, max_new_tokens, until).text

    def go_on(self, text: str, max_new_tokens: int, until: re.Pattern[str] | None = None) -> Answer:
        """Continue a text greedily, as the endpoint does at temperature 0."""
        read = self.tokenizer(text, return_tensors="pt").to(self._model.device)
        length = read.input_ids.shape[1]
        start = time.perf_counter()
        with torch.inference_mode():
            out = self._model.generate(
                input_ids=read.input_ids,
                attention_mask=read.attention_mask,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=self.tokenizer.eos_token_id,
                stopping_criteria=[_Found(until, self.tokenizer, length)] if until else [],
            )
        written = out[0, length:]
        answer = self.tokenizer.decode(written, skip_special_tokens=True)
        return Answer(answer, len(written), time.perf_counter() - start)

    def _written(self, prompt: str) -> str:
        return write_prompt(prompt, self._format, self.tokenizer.get_added_vocab())


class _Found(StoppingCriteria):  # type: ignore[misc] # transformers is not installed here
    """Whether a pattern is found in what has been written so far."""

    def __init__(self, pattern: re.Pattern[str], tokenizer: Tokenizer, start: int) -> None:
        self._pattern, self._tokenizer, self._start = pattern, tokenizer, start

    def __call__(self, input_ids: torch.Tensor, _: object, **__: object) -> torch.Tensor:
        written = self._tokenizer.decode(input_ids[0, self._start :])
        return torch.tensor([self._pattern.search(written) is not None], device=input_ids.device)
