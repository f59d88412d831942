"""The memory of a training, beside what was measured, and the table of the documentation."""

import re
from pathlib import Path

import pytest

from allowed_values.hyperparameters import Hyperparameters, parse_hyperparameters
from allowed_values.instances import INSTANCES, INSTANCES_FOR, Instance
from allowed_values.memory import MISTRAL_7B, check_at_start, check_fits, needs
from allowed_values.rules import RefusedValueError

GIB = 2**30
H100 = Instance(1, 79.1 * GIB, 256 * GIB)
METHODS = {
    "full": {"gradient_accumulation_steps": "1"},
    "LoRA": {"peft_type": "lora"},
    "QLoRA": {"peft_type": "lora", "bits": "4"},
}
TABLE = Path(__file__).parents[4] / "docs" / "fine-tuning.md"


def parse(**given: str) -> Hyperparameters:
    model = {"base_model_id": "mistralai/Mistral-7B-v0.1", "base_model_license": "apache-2.0"}
    return parse_hyperparameters({**model, **given})


def test_shape_is_mistrals() -> None:
    assert MISTRAL_7B.weights == 7_241_732_096


@pytest.mark.parametrize(
    (
        "length",
        "batch",
        "measured",
    ),  # docs/benchmarks.md: tokens of a record, PyTorch's peak in GiB
    [(1860, 1, 15.0), (1860, 2, 16.2), (3720, 1, 16.2), (3720, 2, 18.6)],
)
def test_memory_is_what_was_measured(length: int, batch: int, measured: float) -> None:
    sizes = {"per_device_train_batch_size": str(batch), "per_device_eval_batch_size": "1"}
    p = parse(**METHODS["LoRA"], **sizes, max_input_length=str(length))
    without_context = needs(p, MISTRAL_7B, H100).gpu / GIB - 0.6
    assert without_context == pytest.approx(measured, rel=0.03)


@pytest.mark.parametrize(
    ("method", "instance_type", "reason"),
    [
        ("full", "ml.g5.2xlarge", "GiB of each GPU, ml.g5.2xlarge has 21.9"),
        ("LoRA", "ml.g5.xlarge", "GiB of the host, ml.g5.xlarge has 16.0"),
    ],
)
def test_training_that_cannot_fit_is_refused(method: str, instance_type: str, reason: str) -> None:
    with pytest.raises(RefusedValueError, match=reason):
        check_at_start(parse(**METHODS[method]), instance_type)


@pytest.mark.parametrize(
    ("method", "instance_type"),
    [("full", "ml.g5.12xlarge"), ("LoRA", "ml.g5.2xlarge"), ("QLoRA", "ml.g5.2xlarge")],
)
def test_training_that_fits_is_not_refused(method: str, instance_type: str) -> None:
    check_at_start(parse(**METHODS[method]), instance_type)


def test_unknown_instances_are_left_to_the_job() -> None:
    check_at_start(parse(), "ml.trn1.32xlarge")


def test_accumulation_of_a_sharded_model_is_refused() -> None:
    with pytest.raises(RefusedValueError, match="gradient_accumulation_steps must be 1"):
        check_at_start(parse(), "ml.g5.12xlarge")


def test_documentation_has_the_computed_table() -> None:
    rows = [_row(name) for name in INSTANCES if INSTANCES_FOR["training"].allows(name)]
    text = TABLE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `ml\..*\|$", text, flags=re.MULTILINE) == rows, "\n" + "\n".join(rows)


def _row(name: str) -> str:
    machine = INSTANCES[name]
    cells = [f"`{name}`", f"{machine.gpus} x {machine.bytes_per_gpu / GIB:.1f}"]
    for given in METHODS.values():
        p = parse(**given)
        taken = needs(p, MISTRAL_7B, machine)
        try:
            check_fits(p, MISTRAL_7B, machine, name)
            refused = ""
        except RefusedValueError:
            refused = " (refused)"
        cells.append(f"{taken.gpu / GIB:.1f}, {taken.host / GIB:.0f}{refused}")
    return f"| {' | '.join(cells)} |"
