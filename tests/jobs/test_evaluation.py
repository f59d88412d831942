"""The evaluation of a tiny model beside its base, and each thing that it measures."""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import MistralForCausalLM

from allowed_values.evaluation import Options
from allowed_values.hyperparameters import parse_hyperparameters
from container import JobError
from evaluation.comparison import TASKS, Comparison, Measured
from evaluation.held_out import HeldOut, held_out_loss
from evaluation.job import evaluate
from evaluation.page import render_page
from evaluation.subject import Answer, Subject
from language_models.base_weights import load_model, load_tokenizer
from language_models.examples import Example, Examples, make_examples
from recall.measure import Retrieval
from tests.jobs.tiny_model import BASE_ID, instructions, write_report, write_split
from tuning.channels import Channels
from tuning.job import fine_tune
from tuning.output.weights import replace_by_gguf

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tuned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was fine-tuned in full on the instructions."""
    root = tmp_path_factory.mktemp("tuned")
    train = write_split(root, "train", instructions(0, 12))
    validation = write_split(root, "validation", instructions(0, 3))
    write_report(train, "instruction")
    given = BASE_ID | {"instruction_tuned": "True", "epoch": "6", "learning_rate": "3e-3"}
    given |= {"gradient_accumulation_steps": "1", "lr_scheduler_type": "constant"}
    fine_tune(
        parse_hyperparameters(given),
        Channels(train, validation, base, root / "model", root / "data", root / "checkpoints"),
    )
    return root / "model"


def processing(root: Path, base: Path, tuned: Path, records: list[dict[str, str]]) -> Path:
    """Return a processing root with the inputs of an evaluation."""
    (root / "input").mkdir(parents=True)
    (root / "input" / "base").symlink_to(base)
    (root / "input" / "tuned").symlink_to(tuned)
    write_split(root / "input", "test", records)
    return root


def options(**given: Any) -> Options:
    defaults: dict[str, Any] = {
        "prompt_format": "none",
        "max_input_length": 256,
        "retrieval_lengths": [512, 1024],
        "retrieval_trials": 1,
        "sample_prompts": 2,
        "max_new_tokens": 8,
        "seed": 1,
    }
    return Options(**defaults | given)


def metrics(root: Path) -> dict[str, Any]:
    content = json.loads((root / "output" / "evaluation" / "evaluation.json").read_text())
    assert content.keys() == {"text_generation_metrics", "notes"}
    found = content["text_generation_metrics"]
    return {name: metric["value"] for name, metric in found.items()}


def test_tuned_model_is_measured_beside_its_base(base: Path, tuned: Path, tmp_path: Path) -> None:
    records = instructions(0, 4)
    root = processing(tmp_path / "processing", base, tuned, records)
    evaluate(options(), root)
    found = metrics(root)
    assert found["loss"] < found["base_loss"] / 2
    assert found["loss_reduction"] == pytest.approx(1 - found["loss"] / found["base_loss"])
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    assert found["passkey_retrieval_change"] == (
        found["passkey_retrieval"] - found["base_passkey_retrieval"]
    )
    assert found["tokens_per_second"] > 0
    page = (root / "output" / "evaluation" / "report.html").read_text()
    assert "<td>Say x</td>" in page
    assert "<td>xxxx</td>" in page


def test_llama_cpps_file_is_judged_as_llama_cpp_computes_it(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base has a window of attention that slides, which llama.cpp does not have."""
    sliding, served = tmp_path / "sliding", tmp_path / "served"
    shutil.copytree(base, sliding)
    config = json.loads((base / "config.json").read_text())
    (sliding / "config.json").write_text(json.dumps(config | {"sliding_window": 8}))
    shutil.copytree(base, served)
    special = {f"tokenizer.ggml.{name}_token_id": n for n, name in enumerate(("unk", "bos", "eos"))}
    monkeypatch.setattr("gguf_files.convert.vocabulary", lambda *_: special)
    replace_by_gguf(served, "F16")
    records = [{"prompt": "Say x, y and z. " * 8, "completion": " xxxx"}]
    found = {}
    for name, folder in (("safetensors", base), ("gguf", served)):
        root = processing(tmp_path / name, sliding, folder, records)
        evaluate(options(retrieval_lengths=[600], max_input_length=512), root)
        found[name] = metrics(root)
    seen, slid = found["gguf"]["base_loss"], found["safetensors"]["base_loss"]
    assert abs(seen - found["safetensors"]["loss"]) < abs(slid - seen) / 10
    assert found["gguf"]["loss"] == pytest.approx(seen, rel=0.02)


def test_model_is_no_better_than_itself(base: Path, tmp_path: Path) -> None:
    texts = [{"text": "The sea is wide and never still."}, {"text": "A second text."}]
    root = processing(tmp_path / "processing", base, base, texts)
    evaluate(options(retrieval_lengths=[600]), root)
    found = metrics(root)
    assert found["loss_reduction"] == found["line_retrieval_change"] == 0
    assert found["loss"] == found["base_loss"]


@pytest.mark.parametrize(
    ("given", "measured"),
    [
        (-1, 2),  # what training reads by default: the window, which is 1024 tokens here
        (400, 1),
        (4000, 2),
    ],
)
def test_loss_is_measured_on_what_training_would_read(
    base: Path, tmp_path: Path, given: int, measured: int
) -> None:
    long = [{"prompt": f"Say {length}", "completion": " x" * length} for length in (300, 900)]
    root = processing(tmp_path / "processing", base, base, [*instructions(0, 1), *long])
    evaluate(options(max_input_length=given, retrieval_lengths=[600]), root)
    found = metrics(root)
    assert found["held_out_records"] == measured
    assert found["held_out_records_left_out"] == 3 - measured


class Broken(Subject):
    """A model whose every loss is the given one."""

    def __init__(self, loss: float) -> None:
        self._loss = loss

    def losses(self, example: Example) -> torch.Tensor:
        return torch.tensor([self._loss] * len(example["input_ids"]))


@pytest.mark.parametrize("broken", [math.nan, math.inf, 5e4])
def test_loss_that_no_model_has_is_refused(broken: float) -> None:
    example = {"input_ids": [1, 2], "labels": [1, 2]}
    with pytest.raises(JobError, match="the held-out loss of a model is not a number"):
        held_out_loss(Broken(broken), Examples([example], 0))


def test_loss_is_what_transformers_computes(base: Path) -> None:
    subject, model = Subject(base, "none"), load_model(base, dtype=torch.float32)
    examples = make_examples(
        instructions(0, 1), load_tokenizer(base), prompt_format="none", max_input_length=64
    )
    batch = {name: torch.tensor([row]) for name, row in examples.kept[0].items()}
    expected = model(**batch).loss.item()
    assert held_out_loss(subject, examples).loss == pytest.approx(expected, abs=1e-5)


def test_model_that_is_broken_fails_the_job(base: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(base, tmp_path / "broken")
    model = load_model(base, dtype=torch.float32)
    model.lm_head.weight.data.fill_(float("nan"))
    model.save_pretrained(broken)
    root = processing(tmp_path / "processing", base, broken, instructions(0, 2))
    with pytest.raises(JobError, match="the held-out loss of a model is not a number"):
        evaluate(options(), root)
    assert not (root / "output" / "evaluation" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("given", "records", "reason"),
    [
        ({"retrieval_lengths": [512, 2048]}, 2, "must fit the model's window of 1024, got 2048"),
        ({}, 0, "the test split must hold records"),
    ],
)
def test_evaluation_is_refused_when(
    base: Path, tmp_path: Path, given: dict[str, Any], records: int, reason: str
) -> None:
    root = processing(tmp_path / "processing", base, base, instructions(0, records))
    with pytest.raises(JobError, match=reason):
        evaluate(options(**given), root)


def comparison(answer: str, passkeys: float = 1.0) -> Comparison:
    retrieval = [
        Retrieval(
            task.name, tokens, round(10 * (passkeys if task.name == "pass key" else share)), 10
        )
        for task in TASKS
        for tokens, share in ((512, 1.0), (1024, 0.5))
    ]
    measured = Measured(HeldOut(1.5, 0.1, 4, 0), retrieval, [Answer(answer, 10, 0.5)])
    return Comparison(measured, measured, ["a < b & <script>alert(1)</script>"])


@pytest.mark.parametrize(("passkeys", "notes"), [(0.1, 0), (0.0, 1)])
def test_retrieval_that_the_base_cannot_do_is_noted(passkeys: float, notes: int) -> None:
    compared = comparison("a", passkeys)
    assert len(compared.notes) == notes
    page = render_page(compared)
    assert page.count("The base answers no pass key prompt correctly") == notes


@pytest.mark.parametrize(
    ("record", "read"),
    [
        ({"prompt": "Say x", "completion": " x"}, "<s>[INST] Say x [/INST]"),
        ({"text": "The sea is wide"}, "<s>The sea is wide"),  # it is gone on with, not answered
    ],
)
def test_sample_prompt_is_read_as_its_kind_is_trained(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: dict[str, str], read: str
) -> None:
    monkeypatch.setattr(
        "evaluation.job.measure_retrieval", lambda *_: comparison("").base.retrieval
    )
    asked: list[str] = []
    generate = MistralForCausalLM.generate

    def listen(model: Any, **given: Any) -> Any:
        asked.append(load_tokenizer(base).decode(given["input_ids"][0]))
        return generate(model, **given)

    monkeypatch.setattr(MistralForCausalLM, "generate", listen)
    root = processing(tmp_path / "processing", base, base, [record])
    evaluate(options(prompt_format="mistral-instruct"), root)
    assert asked == [read] * 2


def test_answer_ends_once_what_is_asked_for_is_found(base: Path) -> None:
    subject = Subject(base, "none")
    whole = subject.answer("Say x", 12)
    assert whole.tokens == 12
    ends = subject.answer("Say x", 12, until=re.compile(re.escape(whole.text[:3])))
    assert whole.text.startswith(ends.text)
    assert 0 < ends.tokens < 12


def test_page_stands_alone_and_escapes_what_it_shows() -> None:
    page = render_page(comparison("<img src=x>"))
    assert "&lt;img src=x&gt;" in page
    assert not re.search(r'<script|<img|<link|@import|url\(http|(src|href)="(?!#)', page)
    assert page.count("<svg") == 3
    assert "<td>pass key retrieval</td><td>70%</td>" in render_page(comparison("", 0.7))


def test_script_refuses_its_arguments_before_it_loads_anything(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "jobs" / "evaluate.py", "--retrieval_trials", "0"],
        env={"PROCESSING_ROOT": str(tmp_path / "processing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    reason = (tmp_path / "output" / "message").read_text()
    assert reason == "retrieval_trials must be from 1 to 1000, got 0"
