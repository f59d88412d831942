"""What `python -m bench recall` does."""

import sys
from argparse import Namespace

import openai

from bench.measured import new_folder, rest_api
from bench.recall.answerer import Stage
from bench.recall.report import describe, recall_table, write_recall
from bench.recall.run import Outcome, Plan, ask_all
from recall.files import read_questions
from recall.tasks import TASKS


def ask_for_recall(given: Namespace) -> None:
    """Ask a stage about long prompts, and print what it found; raises ValueError."""
    tasks = {task.name: task for task in TASKS}
    names = [] if given.questions else given.tasks.split(",")
    if unknown := sorted(set(names) - tasks.keys()):
        raise ValueError(f"unknown task {unknown[0]!r}: there are {', '.join(tasks)}")
    plan = Plan(
        tasks=[tasks[name] for name in names],
        lengths=given.lengths or (),
        trials=given.trials,
        users=given.users,
        seed=given.seed,
        files=read_questions(given.questions) if given.questions else {},
    )
    base_url, key, model = rest_api(given)
    stage = Stage(openai.OpenAI(base_url=f"{base_url}/v1", api_key=key or "none"), model)
    folder = given.out or new_folder(f"recall-{given.env}")
    outcomes: list[Outcome] = []
    try:
        for outcome in ask_all(stage, plan):
            print(describe(outcome), file=sys.stderr)
            outcomes.append(outcome)
            write_recall(folder, base_url, outcomes)
    except KeyboardInterrupt:
        sys.exit(130)
    except openai.OpenAIError as error:
        kept = f"; {folder} keeps what was answered" if outcomes else ""
        raise ValueError(f"{base_url} does not answer: {error}{kept}") from None
    print(recall_table(outcomes))
    print(f"\nplots and figures: {folder / 'recall.html'}", file=sys.stderr)
