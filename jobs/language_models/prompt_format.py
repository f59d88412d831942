"""How a prompt is written for a model, exactly as the endpoint's proxy will write it."""

from collections.abc import Callable, Iterable, Mapping, Sequence

# The proxy's formats, for one user turn. The tokenizer adds `<s>` itself, and the end of an answer
# is the model's end token.
PROMPT_FORMATS: Mapping[str, Callable[[str], str]] = {
    "none": lambda prompt: prompt,
    "mistral-instruct": lambda prompt: f"[INST] {prompt} [/INST]",
    "mistrallite": lambda prompt: f"<|prompter|>{prompt}</s><|assistant|>",
    "chatml": lambda prompt: f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n",
}
MARKERS: Mapping[str, Sequence[str]] = {
    "mistral-instruct": ("<s>", "</s>", "[INST]", "[/INST]"),
    "mistrallite": ("<|prompter|>", "<|assistant|>", "</s>"),
    "chatml": ("<|im_start|>", "<|im_end|>"),
}
_COMPLETION_PREFIXES = {"mistral-instruct": " "}


def write_prompt(prompt: str, prompt_format: str, special_tokens: Iterable[str]) -> str:
    """Return what the model reads before it answers, blanks and all: the proxy cuts off none.

    Control tokens in it, the format's markers and the tokenizer's `special_tokens`, are escaped.
    """
    return PROMPT_FORMATS[prompt_format](_escaped(prompt, prompt_format, special_tokens))


def write_completion(completion: str, prompt_format: str, special_tokens: Iterable[str]) -> str:
    """Return the answer as the model should write it, without its end token."""
    if prompt_format == "none":
        return completion
    answer = _escaped(completion.strip(), prompt_format, special_tokens)
    return _COMPLETION_PREFIXES.get(prompt_format, "") + answer


def _escaped(text: str, prompt_format: str, special_tokens: Iterable[str]) -> str:
    if prompt_format == "none":
        return text  # a base model's prompts are sent as they are
    for token in {*MARKERS[prompt_format], *special_tokens}:
        middle = len(token) // 2
        text = text.replace(token, f"{token[:middle]} {token[middle:]}")
    return text
