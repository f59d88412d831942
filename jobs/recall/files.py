"""Questions that somebody brings: a folder of JSON Lines, LongEval's own files included.

A line has one of four forms:

- LongEval's topics: `{"prompt": ..., "topics": [first, ...]}`
- LongEval's lines: `{"prompt": ..., "expected_number": 12345}`
- QuALITY's articles, the card's long question answering, with several questions each:
  `{"article": ..., "questions": [{"question": ..., "options": [...], "gold_label": 1 to 4}]}`
- One's own: `{"document": ..., "question": ..., "options": [...], "answer": index}`, or without
  options `"answer": "a name that a right answer holds"`
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recall.questions import LETTERS, Question, choice_question

_FORMS = (
    "prompt and topics, prompt and expected_number, article and questions, or document, question"
    " and answer (with up to four options)"
)


def read_questions(folder: Path) -> dict[str, list[Question]]:
    """Read every .jsonl file of a folder, by its name; raises ValueError."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise ValueError(f"{folder} holds no .jsonl file: each line of one is a question")
    return {file.stem: _read(file) for file in files}


def _read(file: Path) -> list[Question]:
    questions = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            questions += _questions(json.loads(line))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            said = error if isinstance(error, ValueError) else f"it needs {_FORMS}"
            raise ValueError(f"line {number} of {file}: {said}") from None
    if not questions:
        raise ValueError(f"{file} holds no question")
    return questions


def _questions(record: Mapping[str, Any]) -> list[Question]:
    if "topics" in record:
        return [Question(record["prompt"], str(record["topics"][0]), "name")]
    if "expected_number" in record:
        return [Question(record["prompt"], str(int(record["expected_number"])), "number")]
    if "article" in record:
        return [
            _choice(record["article"], each["question"], each["options"], each["gold_label"] - 1)
            for each in record["questions"]
        ]
    document, question, answer = record["document"], record["question"], record["answer"]
    if "options" not in record:
        return [Question(f"{document}\n\n{question}", str(answer), "name")]
    return [_choice(document, question, record["options"], answer)]


def _choice(document: str, question: str, options: Sequence[str], right: int) -> Question:
    if type(right) is not int or not 0 <= right < len(options) <= len(LETTERS):
        raise ValueError(f"answer must be the index of one of up to 4 options, got {right!r}")
    return choice_question(document, question, options, right)
