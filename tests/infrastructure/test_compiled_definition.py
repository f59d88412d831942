"""The compiled definition: it is what the SDK compiles, and never older than the steps."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sagemaker_llm.tuning.pipeline import compiled
from sagemaker_llm.tuning.pipeline.parameters import parameters, shapes
from sagemaker_llm.tuning.settings import TuningSettings
from tests.infrastructure.assembly import ROOT


@pytest.mark.slow  # Synth itself refuses a definition that is older than its steps.
def test_definition_is_what_the_sdk_compiles_from_the_steps(tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("[profile default\nthis is no = configuration")
    settings = {
        "PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in ("constructs", "lambda")),
        "AWS_PROFILE": "no-such-profile",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
    }
    done = subprocess.run(
        [sys.executable, "-m", "sagemaker_llm.tuning.pipeline.steps"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == compiled.FILE.read_text().splitlines(), (
        "see `make definition`"
    )


def _read() -> None:
    compiled.read(compiled.FILE, made_from=compiled.digest(shapes()))


@pytest.mark.parametrize("step", ["jobs.py", "facts.py", "request_step.py"])
def test_definition_is_refused_when_a_step_has_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    steps = shutil.copytree(compiled.STEPS, tmp_path / "steps")
    monkeypatch.setattr(compiled, "STEPS", steps)
    _read()
    (steps / step).write_text((steps / step).read_text().replace("a", "e", 1))
    with pytest.raises(
        compiled.StaleDefinitionError,
        match=r"`make definition`: .*definition.json is older than its steps",
    ):
        _read()


def test_definition_is_refused_when_a_hyperparameter_was_added() -> None:
    *others, _ = shapes()
    with pytest.raises(compiled.StaleDefinitionError):
        compiled.read(compiled.FILE, made_from=compiled.digest(others))


def test_missing_definition_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(
        compiled.StaleDefinitionError,
        match=r"compile the pipeline's definition with `make definition`: .* is missing",
    ):
        compiled.read(tmp_path / "definition.json", made_from="any")


def test_whole_number_is_a_float_where_the_definition_has_one() -> None:
    settings = TuningSettings(
        base_model_id="any", min_retrieval_change=-1, overrides={"weight_decay": 0}
    )
    found = parameters(settings, data_uri="s3://any", base_model_uri="s3://any")
    defaults = {parameter.name: parameter.default for parameter in found}
    assert [type(defaults[name]) for name in ("MinRetrievalChange", "weight_decay")] == [float] * 2
    assert tuple(parameter.shape for parameter in found) == shapes()
