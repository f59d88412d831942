"""How a model is spoken to: the prompt formats and tokenizers that the proxy carries."""

from enum import StrEnum


class PromptFormat(StrEnum):
    """How a conversation is written as one prompt."""

    NONE = "none"  # a base model: completions only
    MISTRAL_INSTRUCT = "mistral-instruct"
    MISTRALLITE = "mistrallite"
    CHATML = "chatml"


class Tokenizer(StrEnum):
    """The vocabulary that the proxy counts a model's tokens with."""

    MISTRAL_V1 = "mistral-v1"
    MISTRALLITE = "mistrallite"
    SMOLLM2 = "smollm2"  # in the functions for this machine only

    @property
    def has_start_token(self) -> bool:
        """Whether a prompt begins with a token that is none of its text."""
        return self is not Tokenizer.SMOLLM2
