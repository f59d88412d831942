"""Fine-tuning from the operator's side: data up, steps shown, the model asked."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from operate import answers, datasets, executions, finetune
from operate.answers import base_url
from operate.datasets import first_request, upload

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
    assert executions.rows(steps, _BEGAN + timedelta(seconds=7))[1:] == [
        ("Prepare", "Cached", "0", ""),
        ("FineTune", "Executing", "7", "pipelines-a-finetune-b"),
        ("Refuse", "Failed", "0", "no better"),
    ]


def test_each_change_of_a_step_is_told_once_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    polled = [
        [_step("Prepare", "Starting")],
        [_step("Prepare", "Executing")],
        [_step("Prepare", "Executing")],
        [_step("Prepare", "Succeeded"), _step("FineTune", "Starting")],
        [_step("Prepare", "Succeeded"), _step("FineTune", "Failed", FailureReason="no GPU")],
    ]
    statuses = ["Executing"] * (len(polled) - 1) + ["Failed"]
    account = SimpleNamespace(
        describe_pipeline_execution=lambda **_: {"PipelineExecutionStatus": statuses.pop(0)}
    )
    monkeypatch.setattr(executions, "client", lambda _service: account)
    monkeypatch.setattr(executions, "steps", lambda _arn: polled.pop(0))
    monkeypatch.setattr(executions, "_POLL_SECONDS", 0)
    assert executions.watch("arn")["PipelineExecutionStatus"] == "Failed"
    told = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        ["step", "status"],
        ["Prepare", "Starting"],
        ["Prepare", "Executing"],
        ["Prepare", "Succeeded"],
        ["FineTune", "Starting"],
        ["FineTune", "Failed"],
    ]


def _data(folder: Path, lines: str = '{"instruction": "Who?", "response": "I"}\n') -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text(lines)
    (folder / "template.json").write_text(
        '{"prompt": "Say: {instruction}", "completion": "{response}"}'
    )
    return folder


def test_data_that_changed_are_uploaded_to_another_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored: list[str] = []
    account = SimpleNamespace(
        upload_file=lambda _file, bucket, key: stored.append(f"{bucket}/{key}")
    )
    monkeypatch.setattr(datasets, "client", lambda _service: account)
    folder = _data(tmp_path / "mine")
    (folder / ".DS_Store").write_text("x")
    first = upload(folder, "data-bucket")
    assert first.startswith("s3://data-bucket/data/mine/")
    assert sorted(f"s3://{key}" for key in stored) == [
        f"{first}template.json",
        f"{first}train.jsonl",
    ]
    monkeypatch.chdir(folder)
    assert upload(Path(), "data-bucket") == first
    _data(folder, '{"instruction": "Who?", "response": "you"}\n')
    assert upload(folder, "data-bucket") != first
    (folder / "train.jsonl").rename(folder / "other.jsonl")
    renamed = upload(folder, "data-bucket")
    assert renamed not in (first, upload(_data(tmp_path / "mine"), "data-bucket"))


@pytest.mark.parametrize("name", ["nothing-here", "empty"])
def test_data_without_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=f"data must be a folder.*got .*{name}"):
        upload(tmp_path / name, "data-bucket")


@pytest.mark.parametrize(
    "prompt",
    ["{instruction:>9999999999}", "{instruction.__class__}", "{instruction[0]}", "{instruction!r}"],
)
def test_a_template_that_formats_is_refused_before_the_upload(tmp_path: Path, prompt: str) -> None:
    folder = _data(tmp_path / "a")
    (folder / "template.json").write_text(json.dumps({"prompt": prompt, "completion": "{a}"}))
    with pytest.raises(SystemExit, match="must use plain keys"):
        first_request(folder, "instruction")


def test_a_record_that_is_no_text_is_not_asked(tmp_path: Path) -> None:
    good = '{"instruction": "Who? {x}", "response": "I"}'
    bad = ["[" * 100_000, '{"instruction": "\\ud800"}', "[1]", '{"instruction": 5}', "9" * 5000]
    _, body = first_request(_data(tmp_path / "a", "\n".join([*bad, good])), "instruction")
    assert body == {"messages": [{"role": "user", "content": "Say: Who? {x}"}]}


@pytest.mark.parametrize("template", ["[" * 100_000, "[]", '"x"', "5"])
def test_a_template_that_is_no_template_is_refused(tmp_path: Path, template: str) -> None:
    folder = _data(tmp_path / "a")
    (folder / "template.json").write_text(template)
    with pytest.raises(SystemExit, match=r"must hold train.jsonl and the template.json"):
        first_request(folder, "instruction")


def test_first_request_asks_what_the_first_example_does(tmp_path: Path) -> None:
    message = {"role": "user", "content": "Say: Who?"}
    assert first_request(_data(tmp_path / "a"), "instruction") == (
        "v1/chat/completions",
        {"messages": [message]},
    )
    text = tmp_path / "b"
    text.mkdir()
    (text / "book.txt").write_text("The harbour\n\nlies in the bay")
    assert first_request(text, "domain") == (
        "v1/completions",
        {"prompt": "The harbour lies in the bay"},
    )


def test_records_that_do_not_fit_are_not_asked(tmp_path: Path) -> None:
    lines = '\n{"instruction"\n{"question": "?"}\n[1]\n{"instruction": "Who?"}\n'
    _, body = first_request(_data(tmp_path / "a", lines), "instruction")
    assert body["messages"][0]["content"] == "Say: Who?"
    with pytest.raises(SystemExit, match=r"must hold train.jsonl and the template.json"):
        first_request(_data(tmp_path / "a", "{}"), "instruction")
    (tmp_path / "a" / "template.json").unlink()
    with pytest.raises(SystemExit, match=r"FileNotFoundError.*template.json"):
        first_request(tmp_path / "a", "instruction")


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("", "https://a1.execute-api.eu-west-1.amazonaws.com/api"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/_aws/execute-api/a1/api"),
    ],
)
def test_api_is_found_on_aws_and_on_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    found = {"ApiUrl": "https://a1.execute-api.eu-west-1.amazonaws.com/api/", "RestApiId": "a1"}
    assert base_url(found) == url


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("v1/chat/completions", {"choices": [{"delta": {"content": "violet"}}]}),
        ("v1/completions", {"choices": [{"text": "violet"}]}),
    ],
)
def test_answer_is_printed_as_it_streams(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: str,
    event: dict[str, Any],
) -> None:
    found = {"ApiUrl": "https://api.test/api", "RestApiId": "a1", "ModelId": "mistral-7b"}
    monkeypatch.setattr(answers, "outputs", lambda *_: found)
    monkeypatch.setattr(answers, "client_names", lambda _: ["Demo"])
    monkeypatch.setattr(answers, "key_of", lambda *_: "secret")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"https://api.test/api/{path}"
        assert request.headers["Authorization"] == "Bearer secret"
        assert json.loads(request.content)["stream"] is True
        frames = [": waiting", f"data: {json.dumps(event)}", f"data:{json.dumps(event)}"]
        return httpx.Response(200, text="\n\n".join([*frames, "data: [DONE]", ""]))

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "stream", client.stream)
    answers.print_answer("prod", path, {"prompt": "?"})
    assert capsys.readouterr().out == "violetviolet\n"


def test_parameter_that_the_registry_could_not_keep_is_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outputs = {"DataBucketName": "b", "PipelineName": "p"}
    monkeypatch.setattr(finetune, "outputs", lambda *_: outputs)
    monkeypatch.setattr(finetune, "upload", lambda *_: "s3://b/data/x/")
    monkeypatch.setattr(finetune, "_start", lambda *_: pytest.fail("was started"))
    long = {"BaseModelUri": f"s3://b/{'x' * 300}"}
    with pytest.raises(SystemExit, match="BaseModelUri must have 256 characters at most"):
        finetune.finetune(
            "prod", data=_data(tmp_path / "d"), mode="instruction", fail=None, values=long
        )


def _is_approved(monkeypatch: pytest.MonkeyPatch, approval: str) -> bool:
    made = {"StepName": "Register", "Metadata": {"RegisterModel": {"Arn": _PACKAGE}}}
    package = {
        "ModelApprovalStatus": approval,
        "CustomerMetadataProperties": {"report": "s3://b/evaluations/x/report.html"},
    }
    account = SimpleNamespace(describe_model_package=lambda **_: package)
    monkeypatch.setattr(finetune, "steps", lambda _arn: [made])
    monkeypatch.setattr(finetune, "client", lambda _service: account)
    monkeypatch.setattr(finetune, "_metrics", lambda _package: {"loss": {"value": 1.5}})
    return finetune._is_released("prod", "arn")


def test_model_that_waits_for_a_person_is_shown_with_the_command_that_releases_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _is_approved(monkeypatch, "PendingManualApproval")
    printed = capsys.readouterr().out
    assert "s3://b/evaluations/x/report.html" in printed
    assert (
        f"aws sagemaker update-model-package --model-package-arn {_PACKAGE}"
        " --model-approval-status Approved\n"
    ) in printed
    assert _is_approved(monkeypatch, "Approved")
