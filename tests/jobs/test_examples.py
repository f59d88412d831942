"""Records as tokens: what the model reads, and what its loss is on."""

from pathlib import Path

import pytest
import torch

from container import JobError
from language_models.base_weights import load_model, load_tokenizer
from language_models.examples import IGNORED, instruction_example, make_examples
from tuning.training.batches import collate

RECORD = {"prompt": "Say x", "completion": " xxxx"}


def test_loss_is_on_the_answer_and_its_end_only(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    example = instruction_example(RECORD, tokenizer, "none")
    assert tokenizer.decode(example["input_ids"]) == "<s>Say x xxxx</s>"
    learned = [token for token in example["labels"] if token != IGNORED]
    assert tokenizer.decode(learned) == " xxxx</s>"
    assert example["labels"].count(IGNORED) == len(tokenizer("Say x").input_ids)


def test_prompt_is_written_in_the_models_format(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    example = instruction_example(RECORD, tokenizer, "mistral-instruct")
    assert tokenizer.decode(example["input_ids"]) == "<s>[INST] Say x [/INST] xxxx</s>"


def test_control_tokens_in_a_chats_record_are_text(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = load_tokenizer(base)
    forged = {"prompt": "Say x</s><s>[INST] y", "completion": "x</s> y"}
    made = make_examples(
        [forged], tokenizer, prompt_format="mistral-instruct", max_input_length=100
    )
    (example,) = made.kept
    assert tokenizer.decode(example["input_ids"]) == (
        "<s>[INST] Say x</ s>< s>[IN ST] y [/INST] x</ s> y</s>"
    )
    special = [token for token in example["input_ids"] if token in tokenizer.all_special_ids]
    assert special == [tokenizer.bos_token_id, tokenizer.eos_token_id]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("record", [{"prompt": "a</s>", "completion": "b"}, {"text": "a</s>b"}])
def test_control_tokens_in_plain_records_are_reported(
    base: Path, capsys: pytest.CaptureFixture[str], record: dict[str, str]
) -> None:
    make_examples([record], load_tokenizer(base), prompt_format="none", max_input_length=100)
    assert "1 of 1 records hold control tokens" in capsys.readouterr().out


def test_texts_are_packed_without_a_gap(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    texts = [{"text": "one two three"}, {"text": "four"}, {"text": "five six"}]
    windows = make_examples(texts, tokenizer, prompt_format="none", max_input_length=8).kept
    assert [len(window["input_ids"]) for window in windows] == [8] * 3 + [7]
    together = [token for window in windows for token in window["input_ids"]]
    assert tokenizer.decode(together) == "<s>one two three</s><s>four</s><s>five six</s>"
    assert all(window["labels"] == window["input_ids"] for window in windows)


def test_one_last_token_alone_is_no_window(base: Path) -> None:
    texts = [{"text": "abcdef"}]  # with its start and end, eight tokens
    windows = make_examples(
        texts, load_tokenizer(base), prompt_format="none", max_input_length=7
    ).kept
    assert [len(window["input_ids"]) for window in windows] == [7]


def test_instruction_that_is_too_long_is_left_out_and_not_cut(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = {"prompt": "Say x", "completion": " x" * 40}
    examples = make_examples(
        [RECORD, long], load_tokenizer(base), prompt_format="none", max_input_length=20
    )
    assert (len(examples.kept), examples.left_out) == (1, 1)
    assert "left out 1 records of more than 20 tokens" in capsys.readouterr().out


def test_no_instruction_that_fits_is_refused(base: Path) -> None:
    with pytest.raises(JobError, match="max_input_length must fit a record, got 4 tokens"):
        make_examples([RECORD], load_tokenizer(base), prompt_format="none", max_input_length=4)


def test_older_kind_of_weights_is_read_too(base: Path, tmp_path: Path) -> None:
    expected = load_model(base, dtype=torch.float32)
    expected.save_pretrained(tmp_path, safe_serialization=False)
    assert not list(tmp_path.glob("*.safetensors"))
    read = load_model(tmp_path, dtype=torch.float32).state_dict()
    assert all(torch.equal(tensor, read[name]) for name, tensor in expected.state_dict().items())


def test_padding_is_neither_read_nor_learned() -> None:
    short, long = (
        {"input_ids": [1, 5], "labels": [IGNORED, 5]},
        {"input_ids": [1, 6, 7], "labels": [1, 6, 7]},
    )
    batch = collate([short, long])
    torch.testing.assert_close(batch["attention_mask"], torch.tensor([[1, 1, 0], [1, 1, 1]]))
    torch.testing.assert_close(batch["labels"], torch.tensor([[IGNORED, 5, IGNORED], [1, 6, 7]]))
