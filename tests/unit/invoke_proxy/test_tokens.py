"""Counts against known ids, and against llama.cpp for the local model."""

import random
from typing import get_args

import pytest

from invoke_proxy import tokens
from invoke_proxy.settings import TokenizerName
from tests.unit.invoke_proxy.real_tokenizers import llama_cpp_ids, mistral, smollm2, vocabularies

MISTRAL_SPECIAL = ("<unk>", "<s>", "</s>")


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "FILES", vocabularies())


CORPUS = [
    "Hello world",
    "It's 12:34 on 2024-05-06; isn't it? We'll see: 3.14159 and 1,000,000.",
    "def f(x):\n\treturn {'a': [1, 2], \"b\": x ** 2}  # comment\n\n\n    pass\r\n",
    "   leading and trailing   ",
    "tabs\t\tand\u00a0no-break\u2003spaces\n \n  \n",
    "Grüße aus Köln \u2013 „schön“ … naïve café",
    "日本語のテキストと中文文本、한국어도.",
    "العربية עברית हिन्दी ไทย",
    "😀👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \ufb01 ½ ² Ⅷ ٣ 五",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|><|endoftext|><repo_name>x<|im_end|",
    "https://example.com/a?b=c&d=%20#e  user@example.com",
    "a" * 300,
    "\x00\x01\x7f\u200b\ufeff",
    '{"json": [null, true, 1e-9]}',
]


def noise(count: int) -> list[str]:
    """Return texts of characters that tokenizers find hard."""
    generator = random.Random(7)  # noqa: S311 - texts, no secrets
    alphabet = "aZé \t\n09'.,-_/<|>[]{}ñ日😀\u0301½Ⅷ٣\u00a0sdtm"
    return ["".join(generator.choices(alphabet, k=40)) for _ in range(count)]


def test_the_local_models_tokens_are_llama_cpps() -> None:
    texts = CORPUS + noise(300)
    ours = [smollm2().encode(text, add_special_tokens=False).ids for text in texts]
    assert ours == llama_cpp_ids(texts)
    counter = tokens.load("smollm2")
    assert [counter.count(text) for text in texts] == [len(ids) for ids in ours]


def test_mistral_counts_are_those_of_the_tokenizer_that_tgi_loads() -> None:
    texts = [*CORPUS, "[INST] a [/INST] b</s>[INST] c [/INST]", "<s></s> <unk>", *noise(300)]
    counter = tokens.load("mistral-v1")
    counts = [counter.count(text) for text in texts]
    assert counts == [1 + len(mistral(MISTRAL_SPECIAL).encode(text).ids) for text in texts]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),  # <s>
        ("Hello", 2),
        ("[INST] What is AWS CDK? [/INST]", 14),  # the markers take 3 and 4
        ("a</s>", 3),
        ("</s><s>", 3),
        ("a</s><s>[INST] b [/INST]", 12),
        ("😀", 3),  # a piece of its own, after the dummy space
        ("1234", 6),  # digits are pieces of their own
    ],
)
def test_mistral_counts_as_tgi_does(text: str, count: int) -> None:
    assert tokens.load("mistral-v1").count(text) == count


def test_mistrallites_added_tokens_are_one_token_each() -> None:
    text = "<|prompter|>Hello</s><|assistant|>[PAD]"
    assert tokens.load("mistrallite").count(text) == 1 + 1 + 1 + 1 + 1 + 1
    assert tokens.load("mistral-v1").count(text) > 10


@pytest.mark.parametrize("name", get_args(TokenizerName))
def test_every_tokenizer_that_settings_know_is_there(name: str) -> None:
    assert tokens.load(name).count("Hello world") in {2, 3}


def test_an_unknown_tokenizer_is_refused() -> None:
    with pytest.raises(ValueError, match="tekken"):
        tokens.load("tekken")


@pytest.mark.parametrize("name", get_args(TokenizerName))
def test_any_text_can_be_counted(name: str) -> None:
    tokenizer = tokens.load(name)
    assert all(tokenizer.count(text) > 0 for text in CORPUS + noise(50))


@pytest.mark.parametrize(
    ("name", "size"), [("mistral-v1", 32_000), ("mistrallite", 32_003), ("smollm2", 49_152)]
)
def test_the_vocabulary_has_the_models_size(name: str, size: int) -> None:
    assert tokens.load(name).vocabulary_size == size
