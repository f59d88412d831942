"""All values of an execution, checked before anything with a GPU is paid for.

Synth checks an environment's own, `python jobs check` those that an execution is started with, and
the preparing job what it is given.
"""

from collections.abc import Iterator, Mapping, Sequence

from allowed_values import evaluation, hyperparameters, preparation
from allowed_values.memory import check_at_start, check_evaluation, known_window
from allowed_values.parameters import PARAMETERS, name_of, read_values
from allowed_values.rules import RefusedValueError


def read_arguments(words: Sequence[str]) -> dict[str, str]:
    """Return the values of `--name value` or `--name=value`; raise RefusedValueError.

    A name is a parameter's own or the pipeline's, such as `MinLossReduction`.
    """
    return dict(_arguments(iter(words)))


def _arguments(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        flag, equals, value = word.partition("=")
        name = name_of(flag.removeprefix("--"))
        if not flag.startswith("--") or name not in PARAMETERS:
            raise RefusedValueError(f"parameters must be of {', '.join(PARAMETERS)}, got {word!r}")
        if not equals and (value := next(words, "")) == "":
            raise RefusedValueError(f"{name} must be given with a value, got nothing")
        yield name, value


def check_execution(values: Mapping[str, str], *, window: int | None = None) -> None:
    """Raise RefusedValueError for what any job, or the registry, would refuse.

    `window` is the base model's, where it is known; Mistral's is known by its id.
    """
    read_values(values, values)
    options = preparation.parse_options(values)
    if options.test_split == 0:
        raise RefusedValueError(
            "test_split must be above 0: the evaluation and the gate need records, got"
            f" {values['test_split']}"
        )
    p = hyperparameters.parse_hyperparameters(_of(values, hyperparameters.NAMES))
    measured = evaluation.parse_options(_of(values, evaluation.NAMES))
    _check_window(measured, window or known_window(p.base_model_id))
    check_at_start(p, values.get("training_instance_type", ""))
    longest = max(*measured.retrieval_lengths, p.max_input_length)
    check_evaluation(p.base_model_id, longest, values.get("evaluation_instance_type", ""))


def _check_window(options: evaluation.Options, window: int | None) -> None:
    if window is None:
        return
    for name, longest in (
        ("max_input_length", options.max_input_length),
        ("retrieval_lengths", max(options.retrieval_lengths)),
    ):
        if longest > window:
            raise RefusedValueError(
                f"{name} must fit the base model's window of {window} tokens, got {longest}"
            )


def _of(values: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: values[name] for name in names if name in values}
