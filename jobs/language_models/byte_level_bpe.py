"""The tokenizer of a SmolLM vocabulary: the jobs use it, and the proxy's build writes it down."""

from collections.abc import Iterable, Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

_CONTROL = 3  # the GGUF token type of special tokens


def byte_level_bpe(words: Sequence[str], kinds: Iterable[int], merges: Iterable[str]) -> Tokenizer:
    """Return byte-level BPE that splits digits one by one, as SmolLM's vocabulary was made."""
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(numbers, pairs))
    digits = pre_tokenizers.Digits(individual_digits=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    special = [word for word, kind in zip(words, kinds, strict=True) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in special])
    return tokenizer
