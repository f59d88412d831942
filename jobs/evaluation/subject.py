"""A model under evaluation, and what can be asked of it."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

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
    """A model on the best device there is; it leaves the device with the last reference."""

    def __init__(self, directory: Path, prompt_format: str) -> None:
        gpu = torch.cuda.is_available()
        self.tokenizer: Tokenizer = load_tokenizer(directory)
        self.window = find_window(directory)
        self._format = prompt_format
        self._model: Model = load_model(
            directory,
            dtype=torch.bfloat16 if gpu else torch.float32,
            device="cuda:0" if gpu else "cpu",
        ).eval()

    def losses(self, example: Example) -> torch.Tensor:
        """The loss of each token that the example's labels do not hide, in nats."""
        tokens = torch.tensor([example["input_ids"]], device=self._model.device)
        targets = torch.tensor(example["labels"][1:], device=self._model.device)
        with torch.inference_mode():
            logits = self._model(input_ids=tokens, use_cache=False).logits[0, :-1].float()
            losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        return losses[targets >= 0].cpu()

    def prompt_tokens(self, prompt: str) -> int:
        """The length of a prompt as the model reads it."""
        return len(self.tokenizer(write_prompt(prompt, self._format)).input_ids)

    def answer(self, prompt: str, max_new_tokens: int) -> Answer:
        """Generate greedily, as the endpoint does at temperature 0."""
        read = self.tokenizer(write_prompt(prompt, self._format), return_tensors="pt")
        read = read.to(self._model.device)
        start = time.perf_counter()
        with torch.inference_mode():
            out = self._model.generate(
                input_ids=read.input_ids,
                attention_mask=read.attention_mask,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=self.tokenizer.eos_token_id,
            )
        written = out[0, read.input_ids.shape[1] :]
        text = self.tokenizer.decode(written, skip_special_tokens=True)
        return Answer(text, len(written), time.perf_counter() - start)
