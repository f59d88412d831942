"""The evaluation itself: one model after the other, then the two compared."""

import json
from collections.abc import Sequence
from pathlib import Path

from allowed_values.evaluation import Options
from allowed_values.input_length import longest_input
from container import JobError
from evaluation.comparison import TASKS, Comparison, Measured
from evaluation.held_out import held_out_loss
from evaluation.page import render_page
from evaluation.subject import Subject
from language_models.base_weights import find_gguf
from language_models.examples import Record, make_examples, read_records
from recall.measure import measure_retrieval

_START_WORDS = 24  # of a held-out text, which the models continue


def evaluate(options: Options, root: Path) -> None:
    """Evaluate root/input/{test,base,tuned} into root/output/evaluation, or raise JobError."""
    records = read_records(root / "input" / "test" / "test.jsonl")
    if not records:
        raise JobError("the test split must hold records: prepare with test_split above 0")
    folders = [root / "input" / name for name in ("base", "tuned")]
    # What is served is judged, by llama.cpp's attention where llama.cpp serves it.
    of_llama_cpp = find_gguf(folders[1]) is not None
    # One after the other: two models of 7B do not fit on one GPU.
    base, tuned = (
        _measure(folder, records, options, of_llama_cpp=of_llama_cpp) for folder in folders
    )
    prompts = [_prompt(record) for record in records[: options.sample_prompts]]
    comparison = Comparison(base, tuned, prompts)
    output = root / "output" / "evaluation"
    output.mkdir(parents=True, exist_ok=True)
    content = {**comparison.model_quality(), "notes": comparison.notes}
    quality = json.dumps(content, indent=2, allow_nan=False)
    (output / "evaluation.json").write_text(quality + "\n", encoding="utf-8")
    (output / "report.html").write_text(render_page(comparison), encoding="utf-8")
    print(quality)


def _measure(
    directory: Path, records: Sequence[Record], options: Options, *, of_llama_cpp: bool
) -> Measured:
    subject = Subject(directory, options.prompt_format, attends_to_all=of_llama_cpp)
    if (longest := max(options.retrieval_lengths)) > subject.window:
        raise JobError(
            f"retrieval_lengths must fit the model's window of {subject.window}, got {longest}"
        )
    examples = make_examples(
        records,
        subject.tokenizer,
        prompt_format=options.prompt_format,
        max_input_length=longest_input(options.max_input_length, subject.window),
    )
    return Measured(
        held_out_loss(subject, examples),
        list(
            measure_retrieval(
                subject, TASKS, options.retrieval_lengths, options.retrieval_trials, options.seed
            )
        ),
        [
            # A text is not a question: the model continues it as it stands.
            (subject.answer if "prompt" in record else subject.go_on)(
                _prompt(record), options.max_new_tokens
            )
            for record in records[: options.sample_prompts]
        ],
    )


def _prompt(record: Record) -> str:
    return (
        record["prompt"] if "prompt" in record else " ".join(record["text"].split()[:_START_WORDS])
    )
