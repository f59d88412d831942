"""Names and links that lead out of the folder that is meant: in S3 keys, archives, job outputs."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import BUCKET, Account, allow, read_write, s3_input, s3_output

_KEYS = ("../escaped", "a/../../escaped", "/absolute", "back\\..\\slash", "x", "x/y", "x//z", ".")


@pytest.fixture
def outside(account: Account) -> list[Path]:
    """The places that the names below aim at."""
    home = account.aws.home
    folders = (home / "live/s3", home / "live", home, *home.parents)
    return [*(folder / "escaped" for folder in folders), Path("/absolute")]


def test_an_object_keeps_its_key_and_stays_in_the_folder_of_s3(
    account: Account, outside: list[Path]
) -> None:
    for key in _KEYS:
        account.put(key, f"body of {key}")
    assert {key: account.get(key) for key in _KEYS} == {key: f"body of {key}" for key in _KEYS}
    live = account.aws.home / "live"
    assert {path.name for path in live.iterdir()} == {"s3", "state"}
    assert [path for path in outside if path.exists()] == []
    for key in _KEYS:
        account.s3.delete_object(Bucket=BUCKET, Key=key)


@pytest.mark.parametrize("key", ["../escaped", "a/../../escaped", "/absolute", "."])
def test_a_job_reads_no_object_whose_key_leads_out_of_its_folder(
    account: Account, outside: list[Path], key: str
) -> None:
    prefix = account.name("input")
    account.put(f"{prefix}/{key}", "body")
    source = s3_input("data", f"s3://{BUCKET}/{prefix}/", "/opt/ml/processing/input/data")
    role = account.role(*read_write(""))
    ended = account.process(account.processing("", role, ProcessingInputs=[source]))
    assert ended["ProcessingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("ClientError: Data download failed: ")
    assert [path for path in outside if path.exists()] == []


@pytest.mark.parametrize(
    "script",
    [
        "pathlib.Path(folder, 'stolen').symlink_to(secret)",
        "pathlib.Path(folder).rmdir(); pathlib.Path(folder).symlink_to(secret.parent)",
    ],
)
def test_a_job_uploads_nothing_that_a_link_leads_to(
    account: Account, tmp_path: Path, script: str
) -> None:
    (tmp_path / "secret").write_text("secret")
    head = (
        "import pathlib, os\n"
        "folder = pathlib.Path(os.environ['PROCESSING_ROOT'], 'output')\n"
        f"secret = pathlib.Path({str(tmp_path / 'secret')!r})\n"
    )
    out = account.name("out")
    output = s3_output("out", f"s3://{BUCKET}/{out}", "/opt/ml/processing/output")
    request = account.processing(
        head + script,
        account.role(*read_write("")),
        ProcessingOutputConfig={"Outputs": [output]},
    )
    ended = account.process(request)
    assert ended["ProcessingJobStatus"] == "Failed", ended
    assert account.keys(f"{out}/") == []


def test_what_a_job_says_is_not_read_through_a_link(account: Account, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    script = (
        "import pathlib, os\n"
        "out = pathlib.Path(os.environ['PROCESSING_ROOT']).parent / 'output'\n"
        f"out.mkdir(); (out / 'message').symlink_to({str(tmp_path / 'secret')!r})\n"
    )
    ended = account.process(account.processing(script, account.role(*read_write(""))))
    assert ended["ProcessingJobStatus"] == "Completed", ended
    assert "ExitMessage" not in ended


@pytest.mark.parametrize("path", ["/opt/ml/processing/../../escaped", "/opt/ml/processing/.."])
def test_a_path_out_of_the_container_is_refused(account: Account, path: str) -> None:
    request: dict[str, Any] = account.processing("", account.role(*read_write("")))
    request["ProcessingInputs"][0]["S3Input"]["LocalPath"] = path
    with pytest.raises(ClientError, match="LocalPath must be under /opt/ml/processing, got"):
        account.sagemaker.create_processing_job(ProcessingJobName="refused", **request)


def test_a_function_is_unpacked_in_its_folder(account: Account, outside: list[Path]) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 'hello'\n")
        archive.writestr("../../escaped", "x")
        archive.writestr("/absolute", "x")
    functions, name = account.aws.client("lambda"), account.name("function")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Role=account.role(allow("logs:*"), service="lambda.amazonaws.com"),
        Timeout=60,
    )
    assert functions.invoke(FunctionName=name)["Payload"].read() == b'"hello"'
    assert [path for path in outside if path.exists()] == []


def test_a_job_whose_input_has_a_file_where_another_needs_a_folder_fails_in_words(
    account: Account,
) -> None:
    prefix = account.name("input")
    account.put(f"{prefix}/x", "file")
    account.put(f"{prefix}/x/y", "file in a folder of that name")
    source = s3_input("data", f"s3://{BUCKET}/{prefix}/", "/opt/ml/processing/input/data")
    role = account.role(*read_write(""))
    ended = account.process(account.processing("", role, ProcessingInputs=[source]))
    assert ended["FailureReason"].startswith("ClientError: Data download failed: s3://")
