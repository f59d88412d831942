"""The preparing job: what it keeps, what it leaves out, and when it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowed_values.rules import RefusedValueError
from container import JobError
from prepare import prepare

ROOT = Path(__file__).parents[3]
TEMPLATE = {"prompt": "Q: {question}", "completion": " {answer}"}


def write_instruction(
    root: Path, lines: list[bytes], template: object = TEMPLATE, name: str = "train.jsonl"
) -> None:
    data = root / "input" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / name).write_bytes(b"\n".join(lines))
    (data / "template.json").write_text(json.dumps(template))


def write_domain(root: Path, name: str, content: str) -> None:
    data = root / "input" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / name).write_bytes(content.encode())


def pair(number: int) -> bytes:
    return json.dumps({"question": f"What is {number}?", "answer": f"It is {number}."}).encode()


def read_split(root: Path, name: str) -> list[dict[str, str]]:
    lines = (root / "output" / name / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in lines.split("\n")[:-1]]


def read_report(root: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((root / "output" / "report" / "report.json").read_text())
    return report


def read_texts(root: Path) -> list[str]:
    return [record["text"] for record in read_split(root, "train")]


def test_instruction_data_is_rendered_and_split(tmp_path: Path) -> None:
    write_instruction(tmp_path, [pair(number) for number in range(20)])
    prepare(["--mode", "instruction"], tmp_path)
    sizes = {name: len(read_split(tmp_path, name)) for name in ("train", "validation", "test")}
    assert sizes == {"train": 14, "validation": 4, "test": 2}
    assert {"prompt": "Q: What is 3?", "completion": " It is 3."} in [
        record for name in sizes for record in read_split(tmp_path, name)
    ]


def test_training_finds_the_report_beside_its_records(tmp_path: Path) -> None:
    write_instruction(tmp_path, [pair(number) for number in range(5)])
    prepare(["--mode", "instruction"], tmp_path)
    beside = json.loads((tmp_path / "output" / "train" / "report.json").read_text())
    assert beside == read_report(tmp_path)
    assert beside["splits"] == {"train": 3, "validation": 1, "test": 1}
    assert beside["template"] == TEMPLATE  # for the model card
    assert len(beside["sha256"]) == 64


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        (b"{", "malformed", "one JSON object"),
        (b"[" * 100_000, "malformed", "one JSON object"),
        (b'{"question": "\xff"}', "malformed", "one JSON object"),
        (b'{"question": %s}' % (b"9" * 5000), "malformed", "one JSON object"),
        (b'{"question": "\\ud800", "answer": "a"}', "malformed", "half a character"),
        (b'["a", "b"]', "malformed", "got list"),
        (
            json.dumps({f"key {n} " + 60 * "x": n for n in range(9000)}).encode(),
            "malformed",
            "'key 4 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', ...",
        ),
        (b'{"question": "a"}', "malformed", "'answer' is missing, got 'question'"),
        (b'{"question": "a", "answer": 4}', "malformed", "'answer' must be a string, got int"),
        (b'{"question": "a", "answer": null}', "malformed", "got NoneType"),
        (b'{"question": "a", "answer": " "}', "empty", "the completion is blank"),
        (pair(1), "duplicate", "the same as line 2"),
        (json.dumps({"question": "long " * 50, "answer": "a"}).encode(), "over_long", "about 64"),
    ],
)
def test_record_is_left_out_with_its_line_when_it_is(
    tmp_path: Path, line: bytes, kind: str, reason: str
) -> None:
    lines = [pair(number) for number in range(20)]
    lines.insert(10, line)
    write_instruction(tmp_path, lines)
    prepare(["--mode", "instruction", "--max_input_length", "40"], tmp_path)
    report = read_report(tmp_path)
    (rejection,) = report["rejections"]
    assert (rejection["place"], rejection["kind"]) == ("line 11", kind)
    assert reason in rejection["reason"]
    assert report["records"]["counted"] == 21
    assert report["records"]["kept"] == 20
    assert report["records"]["rejected"][kind] == 1


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ([], 20),  # -1 is what it is in training: 1024 tokens
        (["--max_input_length", "-1"], 20),
        (["--max_input_length", "4000"], 21),
    ],
)
def test_longest_record_is_what_training_reads(
    tmp_path: Path, arguments: list[str], kept: int
) -> None:
    long = json.dumps({"question": "why", "answer": "word " * 2000}).encode()
    write_instruction(tmp_path, [*map(pair, range(20)), long])
    prepare(["--mode", "instruction", *arguments], tmp_path)
    records = read_report(tmp_path)["records"]
    assert records["kept"] == kept
    assert records["rejected"]["over_long"] == 21 - kept


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--mode", "instruction", "--instruction_tuned", "False"],
            "instruction_tuned must be True for mode instruction, got False",
        ),
        (
            ["--mode", "domain", "--instruction_tuned", "True"],
            "instruction_tuned must be False for mode domain, got True",
        ),
        (
            ["--mode", "domain", "--validation_split", "0.5", "--test_split", "0.5"],
            "validation_split and test_split must be below 1 together, .* got 0.5 and 0.5",
        ),
        (
            ["--mode", "domain", "--max_input_length", "0"],
            "max_input_length must be from 1 to 131072, or -1 for the default, got 0",
        ),
    ],
)
def test_arguments_that_training_would_refuse_are_refused(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    with pytest.raises(RefusedValueError, match=reason):
        prepare(arguments, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("learning_rate", "0", "learning_rate must be above 0 and below 1, got 0"),
        ("bits", "4", "bits 4 needs peft_type lora"),
        ("base_model_license", "a\nb", "base_model_license must be one line of text"),
        (
            "retrieval_lengths",
            "1024,0",
            "retrieval_lengths must be different items .*, each from 128 to 131072, got '1024,0'",
        ),
        ("prompt_format", "alpaca", "prompt_format must be one of none, .*, got 'alpaca'"),
        ("epochs", "3", "parameters must be of .*, got '--epochs'"),
    ],
)
def test_value_that_a_later_job_would_refuse_is_refused(
    tmp_path: Path, name: str, value: str, reason: str
) -> None:
    write_instruction(tmp_path, [pair(number) for number in range(20)])
    model = ["--base_model_id", "mistral-7b", "--base_model_license", "apache-2.0"]
    with pytest.raises(RefusedValueError, match=reason):
        prepare(["--mode", "instruction", *model, f"--{name}", value], tmp_path)
    assert not (tmp_path / "output").exists()


def test_mode_and_instruction_tuned_may_agree(tmp_path: Path) -> None:
    write_instruction(tmp_path, [pair(number) for number in range(5)])
    prepare(["--mode", "instruction", "--instruction_tuned", "True"], tmp_path)
    assert read_report(tmp_path)["max_rejected_fraction"] == 0.1


def test_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    write_instruction(tmp_path, [b"\xef\xbb\xbf" + pair(1), *map(pair, range(2, 8))])
    prepare(["--mode", "instruction"], tmp_path)
    assert read_report(tmp_path)["records"]["kept"] == 7


def test_job_fails_with_the_first_reason_when_too_much_is_left_out(tmp_path: Path) -> None:
    write_instruction(tmp_path, [*map(pair, range(8)), b"{}", pair(1)])
    with pytest.raises(
        JobError,
        match=r"2 of 10 records were rejected \(1 malformed, 1 duplicate\); the first at line 9:"
        r" the template's key 'question' is missing, got none; max_rejected_fraction allows 0\.1",
    ):
        prepare(["--mode", "instruction"], tmp_path)
    assert read_report(tmp_path)["records"]["kept"] == 8


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ({"prompt": "{question}"}, "must hold exactly prompt and completion, got 'prompt'"),
        (["prompt"], "must hold exactly prompt and completion, got list"),
        ({"prompt": 1, "completion": "{a}"}, "prompt in template.json must be a string, got int"),
        ({"prompt": "{q", "completion": "{a}"}, "must double the braces"),
        ({"prompt": "{}", "completion": "{a}"}, "must use plain keys"),
        ({"prompt": "{q.__class__}", "completion": "{a}"}, "must use plain keys"),
        ({"prompt": "{q[0]}", "completion": "{a}"}, "must use plain keys"),
        ({"prompt": "{q!r}", "completion": "{a}"}, "must use plain keys"),
        ({"prompt": "{q:>9999999999}", "completion": "{a}"}, "must use plain keys"),
        ({"prompt": "{q:{a}}", "completion": "{a}"}, "must use plain keys"),
        ({"prompt": "\ud800 {q}", "completion": "{a}"}, "an escape that is half a character"),
        ({"\ud800": "{q}", "completion": "{a}"}, "must hold exactly prompt and completion"),
        ({"prompt": "{q}", "completion": "yes"}, "must use at least one key"),
    ],
)
def test_template_is_refused_when(tmp_path: Path, template: object, reason: str) -> None:
    write_instruction(tmp_path, [pair(1)], template)
    with pytest.raises(JobError, match=reason):
        prepare(["--mode", "instruction"], tmp_path)


def test_template_is_refused_when_it_is_nested_too_deeply(tmp_path: Path) -> None:
    write_instruction(tmp_path, [pair(1)])
    (tmp_path / "input" / "data" / "template.json").write_text("[" * 100_000)
    with pytest.raises(JobError, match="must be JSON: it is nested too deeply"):
        prepare(["--mode", "instruction"], tmp_path)


def test_template_that_repeats_a_key_makes_no_gigabytes_of_a_record(tmp_path: Path) -> None:
    long = json.dumps({"question": 10_000 * "a", "answer": "b"}).encode()
    template = {"prompt": "{question}" * 10_000, "completion": "{answer}"}
    write_instruction(tmp_path, [*map(pair, range(20)), long], template)
    prepare(["--mode", "instruction", "--max_input_length", "100000"], tmp_path)
    (rejection,) = read_report(tmp_path)["rejections"]
    assert rejection["place"] == "line 21"
    assert "100100000 characters" in rejection["reason"]


def test_neither_log_nor_report_quotes_what_a_rejected_record_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "my-words"
    lines = [
        f'{{"question": "{said}", "answer": 1}}',
        f'{{"question": "{said}"}}',
        f'{{"question": "{said}", "answer": " "}}',
        f'{{"question": "{said}" "answer"}}',
        f'{{"question": "\\{said}"}}',
        f'{{"question": "\\ud800{said}", "answer": "a"}}',
        f'["{said}"]',
        said,
        json.dumps({"question": 9000 * said, "answer": "a"}),
    ]
    write_instruction(tmp_path, [*map(pair, range(20)), *(line.encode() for line in lines)])
    prepare(["--mode", "instruction", "--max_rejected_fraction", "0.9"], tmp_path)
    report = read_report(tmp_path)
    assert len(report["rejections"]) == len(lines)
    assert said not in json.dumps(report["rejections"])
    assert said not in capsys.readouterr().out


def test_log_names_no_more_rejections_than_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_instruction(tmp_path, [*map(pair, range(20)), *[b"{"] * 150])
    prepare(["--mode", "instruction", "--max_rejected_fraction", "0.9"], tmp_path)
    assert capsys.readouterr().out.count("rejected line") == 100
    assert len(read_report(tmp_path)["rejections"]) == 100


def test_file_is_named_when_it_is_missing(tmp_path: Path) -> None:
    write_instruction(tmp_path, [pair(1)], name="data.jsonl")
    with pytest.raises(JobError, match=r"must hold train.jsonl, got data.jsonl, template.json"):
        prepare(["--mode", "instruction"], tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "one\nline\n\n two \n \n\nthree\n"),
        ("a.csv", 'id,text\n1,"one\nline"\n2,two\n3,three\n'),
        ("a.csv", '\ufeffbody,id\r\n"one\nline",1\r\ntwo,2\r\nthree,3\r\n'),
        ("a.json", json.dumps([{"text": "one\nline"}, {"text": "two"}, {"text": "three"}])),
        ("a.json", '{"n": 1, "text": "one\\nline"}\n{"text": "two"}\n{"text": "three", "n": 2}\n'),
        ("a.JSONL", '{"body": "one\\nline"}\n{"body": "two"}\n{"body": "three"}'),
    ],
)
def test_domain_text_is_read_from(tmp_path: Path, name: str, content: str) -> None:
    write_domain(tmp_path, name, content)
    prepare(["--mode", "domain", "--validation_split", "0", "--test_split", "0"], tmp_path)
    assert read_texts(tmp_path) == ["one\nline", "two", "three"]


@pytest.mark.parametrize(
    ("name", "content", "place", "reason"),
    [
        ("a.csv", "id,text\n1,a\n2\n", "line 3", "a row must have 2 columns, got 1"),
        ("a.csv", 'text\n"a\nb"\n""\n', "line 4", "the text is blank"),
        ("a.json", '{"text": "a"}\n{"text": 1}\n', "line 2", "'text' must be a string, got int"),
        ("a.json", '{"text": "a"}\nnot json\n', "line 2", "one JSON object"),
        ("a.json", '[{"text": "a"}, "b"]', "record 2", "with keys, got str"),
        ("a.json", '{"text": "a"}\n' + "[" * 100_000, "line 2", "nested too deeply"),
        ("a.json", '{"text": "a"}\n{"text": "\\ud800"}\n', "line 2", "half a character"),
        ("a.json", '[{"text": "a"}, {"text": "\\udc00 b"}]', "record 2", "half a character"),
        ("a.csv", "text\na\n" + "b," * 100_000, "line 3", "1 columns, got 100001"),
    ],
)
def test_domain_record_is_left_out_with_its_place(
    tmp_path: Path, name: str, content: str, place: str, reason: str
) -> None:
    write_domain(tmp_path, name, content)
    arguments = ["--validation_split", "0", "--test_split", "0", "--max_rejected_fraction", "0.9"]
    prepare(["--mode", "domain", *arguments], tmp_path)
    (rejection,) = read_report(tmp_path)["rejections"]
    assert rejection["place"] == place
    assert reason in rejection["reason"]
    assert "a" in read_texts(tmp_path)[0]


_BLANK = {
    "a.txt": "\n\n \n{}\n \n\n\n{}\n\n",
    "a.csv": "text\n\n{}\n  \n\n{}\n\n",
    "a.json": '\n{{"text": "{}"}}\n\n  \n{{"text": "{}"}}\n\n',
    "a.jsonl": '{{"text": "{}"}}\r\n\r\n{{"text": "{}"}}\r\n',
}


@pytest.mark.parametrize("name", _BLANK)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_a_blank_line_and_a_mark_of_utf_8_are_nothing(tmp_path: Path, name: str, mark: str) -> None:
    write_domain(tmp_path, name, mark + _BLANK[name].format("one", "two"))
    (tmp_path / "input/data/cover.png").write_bytes(b"\x89PNG")
    prepare(["--mode", "domain", "--validation_split", "0", "--test_split", "0"], tmp_path)
    assert read_texts(tmp_path) == ["one", "two"]
    assert read_report(tmp_path)["records"]["counted"] == 2


def test_braces_that_stand_for_themselves_are_doubled(tmp_path: Path) -> None:
    template = {"prompt": '{{"q": "{question}"}}', "completion": "{{{answer}}}"}
    write_instruction(tmp_path, [b"", *map(pair, range(4)), b" "], template)
    prepare(["--mode", "instruction"], tmp_path)
    record = read_split(tmp_path, "train")[0]
    assert record["prompt"].startswith('{"q": "What is')
    assert record["completion"].startswith("{It is")
    assert read_report(tmp_path)["records"]["counted"] == 4


_FIRST = "no column is named text, so the first one is read"


@pytest.mark.parametrize(
    ("name", "content", "column", "warnings"),
    [
        ("a.csv", "id,text\n1,a b\n", "text", []),
        ("a.txt", "12\n", None, []),
        ("a.csv", "body,Text\na b,c\n", "body", [f"{_FIRST}, 'body', of 'body', 'Text'"]),
        ("a.json", '{"body": "a b"}', "body", [f"{_FIRST}, 'body', of 'body'"]),
        (
            "a.csv",
            "id,body\n1,a b\n2,c d\n",
            "id",
            [f"{_FIRST}, 'id', of 'id', 'body'", "the texts in 'id' are numbers only"],
        ),
        ("a.csv", "text,body\nx7,a b\n", "text", ["the texts in 'text' are single words"]),
        (
            "a.csv",
            "id;text\n1;a b\n",
            "id;text",
            [f"{_FIRST}, 'id;text', of 'id;text'", "columns are separated by commas: 'id;text' is"],
        ),
    ],
)
def test_what_was_chosen_is_said_and_what_looks_wrong(
    tmp_path: Path, name: str, content: str, column: str | None, warnings: list[str]
) -> None:
    write_domain(tmp_path, name, content)
    prepare(["--mode", "domain", "--validation_split", "0", "--test_split", "0"], tmp_path)
    report = read_report(tmp_path)
    assert report["source"] == {"files": [name], "column": column}
    assert [said.startswith(w) for said, w in zip(report["warnings"], warnings, strict=True)] == [
        True for _ in warnings
    ]


@pytest.mark.parametrize("line_end", ["\u2028", "\x0b", "\x85"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, line_end: str) -> None:
    write_domain(tmp_path, "a.csv", f"text\none{line_end}line\ntwo\n")
    prepare(["--mode", "domain", "--validation_split", "0", "--test_split", "0"], tmp_path)
    assert read_texts(tmp_path) == [f"one{line_end}line", "two"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "exactly one CSV, JSON or TXT file, got nothing"),
        ({"a.png": b"a", ".b.txt": b"b"}, "TXT file, got a.png"),
        ({"a.txt": b"a", "b.csv": b"text\na"}, "got a.txt, b.csv"),
        ({"a.csv": b"\n"}, "must start with the names of its columns"),
        ({"a.txt": b"a\n\xff"}, "a.txt must be saved as UTF-8: line 2 is not, .* byte 0xff"),
        ({"a.csv": "text\n\u00e9".encode("latin-1")}, "as UTF-8: line 2 is not, .* byte 0xe9"),
        ({"a.txt": "text".encode("utf-16")}, "a.txt must be saved as UTF-8, got UTF-16$"),
        ({"a.json": "{}".encode("utf-32")}, "a.json must be saved as UTF-8, got UTF-32$"),
        ({"a.csv": "text\na".encode("utf-16-le")}, "saved as UTF-8, got UTF-16 or no text"),
        ({"a.json": b'[{"text": "a"}'}, "one JSON array or JSON Lines"),
        ({"a.json": b"[" * 100_000 + b"]" * 100_000}, "JSON Lines: it is nested too deeply"),
        ({"a.json": b'[{"text": %s}]' % (b"9" * 5000)}, "one JSON array or JSON Lines"),
        ({"a.txt": b" \n"}, "too few records to train on: .*got 0"),
        ({"a.txt": b"one paragraph"}, "too few records to train on"),
    ],
)
def test_domain_data_is_refused_when(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    data = tmp_path / "input" / "data"
    data.mkdir(parents=True)
    for name, content in files.items():
        (data / name).write_bytes(content)
    with pytest.raises(JobError, match=reason):
        prepare(["--mode", "domain"], tmp_path)


def test_long_texts_are_kept_for_packing(tmp_path: Path) -> None:
    write_domain(tmp_path, "a.txt", "\n\n".join(f"{n} " + "word " * 5000 for n in range(4)))
    prepare(["--mode", "domain", "--max_input_length", "100"], tmp_path)
    assert read_report(tmp_path)["records"]["kept"] == 4


# What a text may hold of half characters, and how deep a line may be nested.
rough_text = st.text(st.characters(codec=None), max_size=8)
rough_json = st.recursive(
    st.none() | st.integers() | st.floats() | rough_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(rough_text, inner, max_size=3),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode())

records = st.lists(
    st.one_of(
        rough_json,
        st.integers(min_value=900, max_value=1100).map(lambda depth: b"[" * depth + b"]" * depth),
        st.binary(max_size=12).map(lambda line: line.replace(b"\n", b" ")),
        st.builds(
            lambda question, answer: json.dumps({"question": question, "answer": answer}).encode(),
            st.one_of(st.text(max_size=40), rough_text, st.integers()),
            rough_text,
        ),
        st.integers(min_value=0, max_value=30).map(pair),
    ),
    max_size=40,
)
_any_data = given(lines=records, seed=st.integers(min_value=0, max_value=3))


def outcome(root: Path, lines: list[bytes], seed: int) -> tuple[dict[str, Any], list[list[str]]]:
    """Return the report, and each split's prompts and completions."""
    write_instruction(root, [*lines, *(pair(number) for number in range(100, 104))])
    arguments = ["--max_input_length", "12", "--max_rejected_fraction", "0.99"]
    prepare(["--mode", "instruction", "--seed", str(seed), *arguments], root)
    splits = [
        [json.dumps(record) for record in read_split(root, name)]
        for name in ("train", "validation", "test")
    ]
    return read_report(root), splits


@_any_data
@settings(max_examples=60)
def test_no_record_is_lost_and_splits_are_disjoint(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], seed: int
) -> None:
    report, splits = outcome(tmp_path_factory.mktemp("job"), lines, seed)
    counts = report["records"]
    assert counts["counted"] == sum(bool(line.strip()) for line in lines) + 4
    assert counts["counted"] == counts["kept"] + sum(counts["rejected"].values())
    together = [record for split in splits for record in split]
    assert len(together) == counts["kept"] == sum(report["splits"].values())
    assert len(set(together)) == len(together)
    assert all(splits)


@_any_data
@settings(max_examples=30)
def test_splits_depend_on_content_and_seed_only(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], seed: int
) -> None:
    report, splits = outcome(tmp_path_factory.mktemp("job"), lines, seed)
    again = outcome(tmp_path_factory.mktemp("job"), lines, seed)
    assert again == (report, splits)
    _, turned = outcome(tmp_path_factory.mktemp("job"), lines[::-1], seed)
    assert [sorted(split) for split in turned] == [sorted(split) for split in splits]


def test_fingerprint_changes_with_the_data_and_not_with_the_seed(tmp_path: Path) -> None:
    fingerprints = []
    for name, lines, seed in (("a", 20, "1"), ("b", 20, "2"), ("c", 21, "1")):
        write_instruction(tmp_path / name, [pair(number) for number in range(lines)])
        prepare(["--mode", "instruction", "--seed", seed], tmp_path / name)
        fingerprints.append(read_report(tmp_path / name)["sha256"])
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def run_script(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "jobs" / "prepare.py", *arguments],
        env={**os.environ, "PROCESSING_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("example", ["instruction", "domain"])
def test_script_prepares_the_example_whole(tmp_path: Path, example: str) -> None:
    root = tmp_path / "processing"
    (root / "input").mkdir(parents=True)
    (root / "input" / "data").symlink_to(ROOT / "examples" / example)
    ended = run_script(root, "--mode", example)
    assert ended.returncode == 0, ended.stderr
    counts = read_report(root)["records"]
    assert counts["kept"] == counts["counted"] >= 40
    assert not (tmp_path / "output" / "message").exists()


def test_script_writes_the_exit_message_when_it_fails(tmp_path: Path) -> None:
    root = tmp_path / "processing"
    write_instruction(root, [pair(1)], {"prompt": "é" * 2000, "completion": "{answer}"})
    ended = run_script(root, "--mode", "instruction")
    assert ended.returncode == 1
    message = (tmp_path / "output" / "message").read_bytes()
    assert 1022 <= len(message) <= 1024
    assert message.decode().startswith("prompt in template.json must use at least one key")
    assert ended.stderr.splitlines()[-1].startswith(message.decode())


def test_script_writes_the_exit_message_when_an_argument_is_wrong(tmp_path: Path) -> None:
    ended = run_script(tmp_path / "processing", "--mode", "chat")
    assert ended.returncode == 1
    assert (
        "mode must be one of domain, instruction, got 'chat'"
        in (tmp_path / "output/message").read_text()
    )
