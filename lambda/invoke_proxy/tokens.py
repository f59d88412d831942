"""Counts tokens exactly as TGI does, with each model's own vocabulary."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

FILES = Path(__file__).parent / "tokenizers"  # The asset build writes it.

# Texts that are single tokens; TGI's tokenizer splits a prompt at them first.
_MISTRAL_SPECIAL = ("<unk>", "<s>", "</s>")
# Unverified: that they are these. Read its `added_tokens.json` at the first deploy.
_MISTRALLITE_ADDED = ("[PAD]", "<|assistant|>", "<|prompter|>")


class Tokenizer(Protocol):
    """Counts the tokens of a text."""

    @property
    def special_tokens(self) -> Sequence[str]:
        """The texts that are single tokens wherever they occur."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens, whose ids are below it."""
        ...

    def count(self, text: str) -> int:
        """Return the number of tokens, including the start token that the server adds."""
        ...


class SentencePieceTokenizer:
    """Mistral's tokenizer: a start token, then each stretch between special tokens separately."""

    def __init__(self, model_file: Path, special: Sequence[str]) -> None:
        from sentencepiece import (  # noqa: PLC0415 - only the served model's library is loaded
            SentencePieceProcessor,
        )

        self._processor = SentencePieceProcessor(model_file=str(model_file))
        self.special_tokens = special
        known = {self._processor.id_to_piece(id_) for id_ in range(3)}  # <unk>, <s> and </s>
        self.vocabulary_size = self._processor.vocab_size() + len(set(special) - known)
        self._special = re.compile("|".join(map(re.escape, special)))

    def count(self, text: str) -> int:
        """Count the start token, the special tokens, and the pieces between them."""
        stretches = self._special.split(text)
        pieces = sum(len(self._processor.encode(stretch)) for stretch in stretches if stretch)
        return 1 + pieces + len(stretches) - 1


class HuggingFaceTokenizer:
    """A tokenizer from its `tokenizer.json`; SmolLM2's adds no start token."""

    def __init__(self, tokenizer_file: Path) -> None:
        from tokenizers import (  # noqa: PLC0415 - only the served model's library is loaded
            Tokenizer as Implementation,
        )

        self._tokenizer = Implementation.from_file(str(tokenizer_file))
        added = self._tokenizer.get_added_tokens_decoder().values()
        self.special_tokens = [token.content for token in added]
        self.vocabulary_size = self._tokenizer.get_vocab_size()

    def count(self, text: str) -> int:
        """Count the tokens of the text alone."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def load(name: str, files: Path | None = None) -> Tokenizer:
    """Load one of the tokenizers that `settings.TokenizerName` lists."""
    files = files or FILES
    match name:
        case "mistral-v1":
            return SentencePieceTokenizer(files / "mistral-v1.model", _MISTRAL_SPECIAL)
        case "mistrallite":
            special = _MISTRAL_SPECIAL + _MISTRALLITE_ADDED
            return SentencePieceTokenizer(files / "mistral-v1.model", special)
        case "smollm2":
            return HuggingFaceTokenizer(files / "smollm2.json")
        case _:
            raise ValueError(f"tokenizer must be one of settings.TokenizerName, got {name!r}")
