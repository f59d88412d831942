"""How a prompt is written for a model, exactly as the endpoint's proxy will write it."""

from collections.abc import Callable, Mapping

# The proxy's formats, for one user turn. The tokenizer adds `<s>` itself, and the end of an answer
# is the model's end token.
PROMPT_FORMATS: Mapping[str, Callable[[str], str]] = {
    "none": lambda prompt: prompt,
    "mistral-instruct": lambda prompt: f"[INST] {prompt} [/INST]",
    "mistrallite": lambda prompt: f"<|prompter|>{prompt}</s><|assistant|>",
    "chatml": lambda prompt: f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n",
}
_COMPLETION_PREFIXES = {"mistral-instruct": " "}


def write_prompt(prompt: str, prompt_format: str) -> str:
    """Return what the model reads before it answers, blanks and all: the proxy cuts off none."""
    return PROMPT_FORMATS[prompt_format](prompt)


def write_completion(completion: str, prompt_format: str) -> str:
    """Return the answer as the model should write it, without its end token."""
    if prompt_format == "none":
        return completion
    return _COMPLETION_PREFIXES.get(prompt_format, "") + completion.strip()
