"""Fine-tuning from the operator's side: data checked and uploaded, steps shown."""

import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operate.failures import GOES_ON
from operate.tuning.base_model import ensure_base_model
from operate.tuning.datasets import read_data, upload
from operate.tuning.executions import follow, rows
from operate.tuning.finetune import finetune, is_released
from operate.tuning.parameters import check_values, job_arguments
from prepare import prepare
from tests.unit.operate.doubles import Stacks, environment, refusal

_ARN = "arn:aws:sagemaker:eu-west-1:111111111111"
_PACKAGE = f"{_ARN}:model-package/prod-training-mistral-7b/3"
_BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def _step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": status, "StartTime": _BEGAN, **more}


def test_rows_show_each_step_with_its_time_and_what_it_made() -> None:
    job = {"TrainingJob": {"Arn": f"{_ARN}:training-job/pipelines-a-finetune-b"}}
    cached = {"SourcePipelineExecutionArn": "x"}
    steps = [
        _step("Prepare", "Succeeded", EndTime=_BEGAN, CacheHitResult=cached),
        _step("FineTune", "Executing", Metadata=job),
        _step("Refuse", "Failed", EndTime=_BEGAN, FailureReason="no better"),
    ]
    assert rows(steps, _BEGAN + timedelta(seconds=7))[1:] == [
        ("Prepare", "Cached", "0", ""),
        ("FineTune", "Executing", "7", "pipelines-a-finetune-b"),
        ("Refuse", "Failed", "0", "no better"),
    ]


class _Execution:
    """An execution whose steps, seen at each look, are these; it ends with the last."""

    def __init__(self, *looks: list[dict[str, Any]], ends: str) -> None:
        self._looks, self._ends = list(looks), ends

    def describe_pipeline_execution(self, **_: str) -> dict[str, str]:
        return {"PipelineExecutionStatus": "Executing" if self._looks[1:] else self._ends}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_pipeline_execution_steps"
        look = self._looks.pop(0) if self._looks[1:] else self._looks[0]
        return SimpleNamespace(paginate=lambda **_: [{"PipelineExecutionSteps": look}])


def test_each_change_of_a_step_is_told_once_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    polled = [
        [_step("Prepare", "Starting")],
        [_step("Prepare", "Executing")],
        [_step("Prepare", "Executing")],
        [_step("Prepare", "Succeeded"), _step("FineTune", "Starting")],
        [_step("Prepare", "Succeeded"), _step("FineTune", "Failed", FailureReason="no GPU")],
    ]
    ended = follow(_Execution(*polled, ends="Failed"), "arn", every=0)
    assert ended["PipelineExecutionStatus"] == "Failed"
    told = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        ["step", "status"],
        ["Prepare", "Starting"],
        ["Prepare", "Executing"],
        ["Prepare", "Succeeded"],
        ["FineTune", "Starting"],
        ["FineTune", "Failed"],
    ]


_LINES = "".join(f'{{"instruction": "Who {n}?", "response": "I"}}\n' for n in range(4))
_INSTRUCTION, _DOMAIN = ["--mode=instruction"], ["--mode=domain"]


def _data(folder: Path, lines: str = _LINES) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text(lines)
    (folder / "template.json").write_text(
        '{"prompt": "Say: {instruction}", "completion": "{response}"}'
    )
    return folder


def test_what_is_read_is_uploaded_and_what_changed_to_another_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored: list[str] = []
    s3 = SimpleNamespace(upload_file=lambda _file, bucket, key: stored.append(f"{bucket}/{key}"))
    folder = _data(tmp_path / "mine")
    for name in (".DS_Store", "cover.png"):
        (folder / name).write_text("x")
    first = read_data(folder, _INSTRUCTION)
    upload(s3, first, "data-bucket")
    uri = first.uri("data-bucket")
    assert uri.startswith("s3://data-bucket/data/mine/")
    assert [f"s3://{key}" for key in stored] == [f"{uri}train.jsonl", f"{uri}template.json"]
    monkeypatch.chdir(folder)
    assert read_data(Path(), _INSTRUCTION).uri("data-bucket") == uri
    _data(folder, _LINES + _LINES.replace("Who", "Why"))
    assert read_data(folder, _INSTRUCTION).uri("data-bucket") != uri


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing-here", "data must be a folder, got .*nothing-here"),
        ("empty", r"instruction data must hold train.jsonl, got nothing \(data: .*empty\)"),
    ],
)
def test_data_without_files_are_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=said):
        read_data(tmp_path / name, _INSTRUCTION)


def test_the_first_question_is_the_first_record_that_is_trained_on(tmp_path: Path) -> None:
    folder, root = _data(tmp_path / "a", f"\n{{}}\n{_LINES}"), tmp_path / "root"
    shutil.copytree(folder, root / "input" / "data")
    arguments = [*_INSTRUCTION, "--max_rejected_fraction=0.5", "--seed=3"]
    prepare(arguments, root)
    trained = (root / "output" / "train" / "train.jsonl").read_text().split("\n")
    message = {"role": "user", "content": json.loads(trained[0])["prompt"]}
    assert read_data(folder, arguments).first_request == {"messages": [message]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("book.txt", "The harbour\nlies in the bay of the old town, where no ship ever came."),
        ("book.csv", 'text\n"The harbour lies in the bay of the old town, where no ship came."\n'),
        ("book.json", '[{"text": "The harbour lies in the bay of the old town, where no ship"}]'),
        ("book.jsonl", '{"text": "The harbour lies in the bay of the old town, where no ship"}'),
    ],
)
def test_a_text_is_begun_for_the_model_in_whatever_form_it_came(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8-sig")
    found = read_data(tmp_path, [*_DOMAIN, "--validation_split=0", "--test_split=0"])
    begun = "The harbour lies in the bay of the old town, where no"
    assert found.first_request == {"prompt": begun}


def test_data_of_any_folder_are_uploaded_where_the_registry_can_name_them(tmp_path: Path) -> None:
    data = read_data(_data(tmp_path / "Größen, (v2) $x"), _INSTRUCTION)
    assert data.uri("b").startswith("s3://b/data/Größen---v2---x/")


def test_what_looks_wrong_is_said_before_the_upload(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("id,body\n1,a\n2,b\n3,c\n4,d\n")
    read_data(tmp_path, _DOMAIN)
    assert "warning: the texts in 'id' are numbers only" in capsys.readouterr().out


_DECLARED: dict[str, dict[str, Any]] = {
    "BaseModelUri": {"Name": "BaseModelUri", "Type": "String", "DefaultValue": "s3://w/base/"},
    "BaseModelLicense": {"Name": "BaseModelLicense", "Type": "String", "DefaultValue": "mit"},
    "MinLossReduction": {"Name": "MinLossReduction", "Type": "Float", "DefaultValue": 0.02},
    "EvaluationInstanceType": {
        "Name": "EvaluationInstanceType",
        "Type": "String",
        "DefaultValue": "ml.g5.2xlarge",
    },
    "Mode": {"Name": "Mode", "Type": "String", "DefaultValue": "instruction"},
    "epoch": {"Name": "epoch", "Type": "Integer", "DefaultValue": 1},
    "learning_rate": {"Name": "learning_rate", "Type": "Float", "DefaultValue": 0.1},
    "peft_type": {"Name": "peft_type", "Type": "String", "EnumValues": ["lora", "None"]},
}


def test_values_of_the_declared_types_and_choices_are_taken() -> None:
    given = {"epoch": "3", "learning_rate": "1e-4", "peft_type": "None", "BaseModelUri": "s3://x"}
    check_values(given, _DECLARED)


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("epochs", "3", r"SET must name one of BaseModelLicense, BaseModelUri, .*, got 'epochs'"),
        ("epoch", "three", "epoch must be of type Integer, got 'three'"),
        ("epoch", "1.5", "epoch must be of type Integer, got '1.5'"),
        ("learning_rate", "", "learning_rate must be of type Float, got ''"),
        ("Mode", "domain", "SET must not name Mode: MODE says it, got 'domain'"),
        ("peft_type", "ia3", "peft_type must be one of lora, None, got 'ia3'"),
    ],
)
def test_value_that_the_pipeline_does_not_take_is_refused(
    name: str, value: str, refusal: str
) -> None:
    with pytest.raises(SystemExit, match=refusal):
        check_values({name: value}, _DECLARED)


_WORDS = [
    *("--mode", {"Get": "Parameters.Mode"}),
    *("--epoch", {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.epoch"}]}}),
    *("--base_model_id", "mistral-7b"),
    *("--base_model_license", {"Get": "Parameters.BaseModelLicense"}),
]
_PREPARE = {"AppSpecification": {"ContainerArguments": _WORDS}}
_TGI = "huggingface-pytorch-tgi-inference:2.0.1-tgi1.1.0"
_CONTAINERS = [{"Image": f"1.dkr.ecr.eu-west-1.amazonaws.com/{_TGI}"}]
_REGISTER = {"InferenceSpecification": {"Containers": _CONTAINERS}}
_DEFINITION = {
    "Parameters": list(_DECLARED.values()),
    "Steps": [
        {"Name": "Prepare", "Arguments": _PREPARE},
        {
            "Name": "Gate",
            "Arguments": {"IfSteps": [{"Name": "Register", "Arguments": _REGISTER}]},
        },
    ],
}


class _Pipeline:
    """A pipeline whose start is a failure of the test."""

    def describe_pipeline(self, **_: str) -> dict[str, str]:
        return {"PipelineDefinition": json.dumps(_DEFINITION)}

    def start_pipeline_execution(self, **_: Any) -> None:
        pytest.fail("was started")


def _finetune(data: Path, s3: Any, server: str = _TGI, **values: str) -> None:
    training = {"DataBucketName": "b", "PipelineName": "p"}
    stacks = Stacks({"Training": training, "Serving": {"ServingImageTag": server}})
    prod = environment(cloudformation=stacks, sagemaker=_Pipeline(), s3=s3)
    finetune(prod, data=data, mode="instruction", fail=None, values=values.items())


def test_parameter_that_the_registry_could_not_keep_is_refused_before_anything_is_uploaded(
    tmp_path: Path,
) -> None:
    s3 = SimpleNamespace(upload_file=lambda *_: pytest.fail("was uploaded"))
    with pytest.raises(SystemExit, match=r"base_model_uri must be .* at most 256 letters"):
        _finetune(_data(tmp_path / "d"), s3, BaseModelUri=f"s3://b/{'x' * 300}")


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"epoch": "0"}, "epoch must be from 1 to 1000, got 0"),
        ({"BaseModelLicense": "a\nb"}, "base_model_license must be one line of text"),
        # No job takes these.
        ({"MinLossReduction": "0"}, "min_loss_reduction must be above 0 and below 1, got 0"),
        ({"MinLossReduction": "nan"}, "min_loss_reduction must be a finite number, got 'nan'"),
        ({"EvaluationInstanceType": "ml.m5.large"}, "evaluation_instance_type must be an instance"),
        ({"EvaluationInstanceType": "ml.g5.xlarge"}, "the evaluation takes .* of the host"),
        ({"BaseModelUri": "s3://b"}, "base_model_uri must be a prefix such as s3://bucket/folder/"),
    ],
)
def test_value_that_a_job_would_refuse_is_refused_before_anything_is_uploaded(
    tmp_path: Path, values: dict[str, str], refusal: str
) -> None:
    s3 = SimpleNamespace(upload_file=lambda *_: pytest.fail("was uploaded"))
    with pytest.raises(SystemExit, match=refusal):
        _finetune(_data(tmp_path / "d"), s3, **values)


@pytest.mark.parametrize("licence", ["Our own licence", 'it\'s "ours"', "$(touch ran)"])
def test_free_text_is_no_reason_to_refuse(licence: str, tmp_path: Path) -> None:
    words = job_arguments(_DEFINITION, {"BaseModelLicense": licence})
    assert licence in words
    assert read_data(_data(tmp_path / "d"), words).first["completion"] == "I"


def test_nothing_is_tuned_for_a_server_that_the_pipeline_does_not_know(tmp_path: Path) -> None:
    s3 = SimpleNamespace(upload_file=lambda *_: pytest.fail("was uploaded"))
    said = "models for huggingface-pytorch-tgi-inference, .* runs llama-cpp-arm64: deploy the Train"
    with pytest.raises(SystemExit, match=said):
        _finetune(_data(tmp_path / "d"), s3, "llama-cpp-arm64:server-sagemaker-cpu-v1")


@pytest.mark.parametrize("model", ["mistrallite", "smollm2-135m-instruct"])
def test_only_the_packaged_model_is_uploaded_for_its_operator(model: str) -> None:
    stored: list[str] = []
    s3 = SimpleNamespace(
        list_objects_v2=lambda **_: {"KeyCount": 0},
        upload_file=lambda _file, _bucket, key: stored.append(key),
    )
    declared = {"BaseModelUri": {"DefaultValue": f"s3://b/base-models/{model}/"}}
    if model == "mistrallite":
        with pytest.raises(SystemExit, match="put the base model's safetensors and its tokenizer"):
            ensure_base_model(s3, declared, "b")
        assert stored == []
        return
    ensure_base_model(s3, declared, "b")
    assert stored == [f"base-models/{model}/SmolLM2-135M-Instruct.Q4_1.gguf"]


def test_unknown_parameter_is_refused_before_anything_is_uploaded(tmp_path: Path) -> None:
    s3 = SimpleNamespace(upload_file=lambda *_: pytest.fail("was uploaded"))
    with pytest.raises(SystemExit, match="got 'epochs'"):
        _finetune(_data(tmp_path / "d"), s3, epochs="3")


def _is_released(approval: str) -> bool:
    made = {"StepName": "Register", "Metadata": {"RegisterModel": {"Arn": _PACKAGE}}}
    package = {
        "ModelApprovalStatus": approval,
        "CustomerMetadataProperties": {"report": "s3://b/evaluations/x/report.html"},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": "s3://b/e/metrics.json"}}},
    }
    execution = _Execution([made], ends="Succeeded")
    sagemaker = SimpleNamespace(
        get_paginator=execution.get_paginator, describe_model_package=lambda **_: package
    )
    metrics = json.dumps({"text_generation_metrics": {"loss": {"value": 1.5}}}).encode()
    s3 = SimpleNamespace(get_object=lambda **_: {"Body": io.BytesIO(metrics)})
    return is_released(environment(sagemaker=sagemaker, s3=s3), "arn")


def test_model_that_waits_for_a_person_is_shown_with_the_command_that_releases_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not _is_released("PendingManualApproval")
    printed = capsys.readouterr().out
    assert "loss                       1.5" in printed
    assert "s3://b/evaluations/x/report.html" in printed
    assert (
        f"aws sagemaker update-model-package --model-package-arn {_PACKAGE}"
        " --model-approval-status Approved\n"
    ) in printed
    assert _is_released("Approved")


class _Expiring(_Execution):
    """An execution that goes on while the credentials of whoever watches it end."""

    def describe_pipeline_execution(self, **_: str) -> dict[str, str]:
        raise refusal("ExpiredTokenException", "The security token included is expired")

    def start_pipeline_execution(self, **_: Any) -> None:
        pytest.fail("was started once more")


def test_watching_ends_with_its_own_code_and_the_way_back_when_the_credentials_expire(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prod = environment(sagemaker=_Expiring([_step("Prepare", "Executing")], ends="Succeeded"))
    asked: dict[str, Any] = {"data": _data(tmp_path / "d"), "mode": "instruction", "fail": None}
    with pytest.raises(SystemExit) as ended:
        finetune(prod, **asked, watch="arn:execution")
    assert ended.value.code == GOES_ON
    said = capsys.readouterr().err
    assert "AWS refused the credentials" in said
    assert "the execution goes on in AWS" in said
    assert "`make finetune ENV=prod WATCH=arn:execution` goes on watching" in said


def test_execution_that_is_watched_again_is_not_started_again(tmp_path: Path) -> None:
    assert _said_at_the_end(tmp_path, _step("Gate", "Failed")) == "Failed: no reason was given"


def test_parameters_are_refused_where_no_execution_is_started(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"data": _data(tmp_path / "d"), "mode": "instruction", "fail": None}
    with pytest.raises(SystemExit, match="leave them out with WATCH"):
        finetune(environment(), **asked, values=[("epoch", "3")], watch="arn:execution")


def test_training_that_was_cut_off_is_said_to_resume(tmp_path: Path) -> None:
    said = _said_at_the_end(tmp_path, _step("Prepare", "Succeeded"), _step("FineTune", "Failed"))
    assert "the same command resumes the training from its newest checkpoint" in said
    assert "MaxWaitTimeExceeded, AWS had no spot instances" in said


def _said_at_the_end(folder: Path, *ended: dict[str, Any]) -> str:
    """Return what the verb says of an execution that failed with these steps."""
    watched = _Execution(list(ended), ends="Failed")
    asked: dict[str, Any] = {"data": _data(folder / "d"), "mode": "instruction", "fail": None}
    with pytest.raises(SystemExit) as said:
        finetune(environment(sagemaker=watched), **asked, watch="arn:execution")
    return str(said.value)
