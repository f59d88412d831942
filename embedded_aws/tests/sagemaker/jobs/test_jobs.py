"""SageMaker's processing and training jobs, through its API, with scripts that really run."""

import json
import tarfile
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.sagemaker.jobs import isolation
from embedded_aws.tests.account import (
    BUCKET,
    Account,
    allow,
    channel,
    read_write,
    s3_input,
    s3_output,
    until,
)

_COUNT = """
import os, pathlib, sys
root = pathlib.Path(os.environ["PROCESSING_ROOT"])
lines = (root / "input/data/nested/a.txt").read_text().splitlines()
assert sys.argv[1:3] == ["--out", str(root / "output")], sys.argv
(root / "output/deep").mkdir()
(root / "output/deep/count.txt").write_text(f"{len(lines)} {os.environ['GREETING']}")
print("counted", len(lines))
"""

_TRAIN = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["TRAINING_ROOT"])
config = {f.stem: json.loads(f.read_text()) for f in (root / "input/config").iterdir()}
text = (root / "input/data/train/a.txt").read_text()
(root / "model/weights.json").write_text(json.dumps(config["hyperparameters"] | {"text": text}))
seen = {**config["inputdataconfig"]["train"], "host": config["resourceconfig"]["current_host"]}
(root / "output/data/seen.json").write_text(json.dumps(seen))
assert sys.argv[1:] == ["--out", str(root / "model")], sys.argv
print("loss=3.5")
print("step 2, loss=1.25 and rising")
"""

_WAIT = """
import pathlib, os, signal, sys, time
def stop(*_):
    root = pathlib.Path(os.environ["TRAINING_ROOT"])
    (root / "model/partial").write_text("half")
    (root / "checkpoints/step-2").write_text("2")
    (root / "checkpoints/step-1").unlink(missing_ok=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("waiting")
time.sleep(600)
"""


def test_a_processing_job_maps_paths_and_copies_its_inputs_and_outputs(account: Account) -> None:
    data, out = account.name("data"), account.name("out")
    account.put(f"{data}/nested/a.txt", "one\ntwo\n")
    ended = account.process(
        account.processing(
            _COUNT,
            account.role(*read_write("")),
            AppSpecification={"ContainerArguments": ["--out", "/opt/ml/processing/output"]},
            Environment={"GREETING": "hello"},
            ProcessingInputs=[
                s3_input("data", f"s3://{BUCKET}/{data}", "/opt/ml/processing/input/data")
            ],
            ProcessingOutputConfig={
                "Outputs": [s3_output("out", f"s3://{BUCKET}/{out}", "/opt/ml/processing/output")]
            },
        )
    )
    assert ended["ProcessingJobStatus"] == "Completed", ended
    assert account.get(f"{out}/deep/count.txt") == "2 hello"
    assert ended["ProcessingEndTime"] >= ended["ProcessingStartTime"]
    name = ended["ProcessingJobName"]
    assert until(lambda: account.log_lines("ProcessingJob", name)) == ["counted 2"]
    group = account.log_group("/aws/sagemaker/ProcessingJobs")  # which SageMaker makes
    assert group
    assert "retentionInDays" not in group


def test_a_processing_job_that_fails_says_why_in_the_words_of_its_script(account: Account) -> None:
    script = """
import os, pathlib, sys
message = pathlib.Path(os.environ["PROCESSING_ROOT"]).parent / "output" / "message"
message.parent.mkdir()
message.write_text("3 of 4 records are malformed")
sys.exit(2)
"""
    out = account.name("out")
    outputs = [s3_output("out", f"s3://{BUCKET}/{out}", "/opt/ml/processing/output")]
    ended = account.process(
        account.processing(
            script,
            account.role(*read_write("")),
            ProcessingOutputConfig={"Outputs": outputs},
        )
    )
    assert ended["ProcessingJobStatus"] == "Failed"
    assert ended["ExitMessage"] == "3 of 4 records are malformed"
    assert ended["FailureReason"] == ("AlgorithmError: 3 of 4 records are malformed, exit code: 2")


def test_a_job_can_do_what_its_role_may_and_nothing_else(account: Account) -> None:
    code_only = allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/code-*")
    lists = allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    account.put("secret/a.txt", "secret")
    reads_secret = [s3_input("s", f"s3://{BUCKET}/secret/", "/opt/ml/processing/input/s")]

    denied_to_service = account.process(
        account.processing("", account.role(code_only, lists), ProcessingInputs=reads_secret)
    )
    assert denied_to_service["FailureReason"].startswith("ClientError: Data download failed: ")
    assert "403" in denied_to_service["FailureReason"]

    script = """
import boto3
boto3.client("s3").get_object(Bucket="bench", Key="secret/a.txt")
"""
    denied_to_script = account.process(account.processing(script, account.role(code_only, lists)))
    assert "AccessDenied" in denied_to_script["FailureReason"]

    allowed = account.process(account.processing(script, account.role(*read_write(""))))
    assert allowed["ProcessingJobStatus"] == "Completed", allowed


def test_a_bucket_that_is_locked_for_all_but_one_role_takes_what_that_role_writes(
    account: Account,
) -> None:
    script = """
import boto3
boto3.client("s3").put_object(Bucket="bench", Key="locked/a.txt", Body=b"a")
"""
    owner, other = account.role(*read_write("")), account.role(*read_write(""))
    lock = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/locked/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": owner}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [lock]})
    account.s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    refused = account.process(account.processing(script, other))
    assert "explicit deny in a resource-based policy" in refused["FailureReason"]
    taken = account.process(account.processing(script, owner))
    assert taken["ProcessingJobStatus"] == "Completed", taken


def test_a_training_job_runs_its_script_under_the_container_contract(account: Account) -> None:
    data = account.put(f"{account.name('data')}/a.txt", "text").rpartition("/")[0]
    ended = account.train(
        account.training(
            _TRAIN,
            account.role(*read_write("")),
            AlgorithmSpecification={
                "ContainerArguments": ["--out", "/opt/ml/model"],
                "MetricDefinitions": [{"Name": "train-loss", "Regex": r"loss=([0-9.]+)"}],
            },
            HyperParameters={"epoch": "3", "prompt": "$(touch /tmp/ran) 'a b'"},
            InputDataConfig=[channel("train", data)],
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models", "CompressionType": "NONE"},
        )
    )
    assert ended["TrainingJobStatus"] == ended["SecondaryStatus"] == "Completed", ended
    prefix = f"models/{ended['TrainingJobName']}/output/"
    assert ended["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/{prefix}model"
    assert json.loads(account.get(f"{prefix}model/weights.json")) == {
        "epoch": "3",
        "prompt": "$(touch /tmp/ran) 'a b'",
        "text": "text",
    }
    assert json.loads(account.get(f"{prefix}data/seen.json")) == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "host": "algo-1",
    }
    (metric,) = ended["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("train-loss", 1.25)
    statuses = [change["Status"] for change in ended["SecondaryStatusTransitions"]]
    assert statuses[-4:] == ["Downloading", "Training", "Uploading", "Completed"]


def _in_script_mode(account: Account, script: str, **hyperparameters: str) -> dict[str, Any]:
    """How a job ended that leaves its start to the image's toolkit."""
    code = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "/opt/ml/input/data/code",
    }
    request = account.training(
        script,
        account.role(*read_write("")),
        HyperParameters={name: json.dumps(text) for name, text in code.items()} | hyperparameters,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models", "CompressionType": "NONE"},
    )
    del request["AlgorithmSpecification"]["ContainerEntrypoint"]
    return account.train(request)


@pytest.mark.parametrize(
    ("licence", "words", "files"),
    [
        ("apache-2.0", ["apache-2.0", "-r", "a=1,b=2"], []),
        ("Our own", ["Our", "own", "-r", "a=1,b=2"], []),
        ("$(touch ran)", ["-r", "a=1,b=2"], ["ran"]),
        ("a\ntouch ran #", ["a"], []),  # the shell's next command, when the script has ended
    ],
)
def test_a_shell_reads_the_hyperparameters_of_a_job_in_script_mode(
    account: Account, licence: str, words: list[str], files: list[str]
) -> None:
    script = """
import json, os, pathlib, sys
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / "seen.json").write_text(json.dumps([sys.argv[1:], os.listdir()]))
"""
    ended = _in_script_mode(account, script, licence=licence, epoch="3", r='{"b": 2, "a": 1}')
    key = f"models/{ended['TrainingJobName']}/output/model/seen.json"
    arguments, found = json.loads(account.get(key))
    assert arguments == ["--epoch", "3", "--licence", *words]
    assert sorted(found) == [*files, "train.py"]


def test_a_quote_in_a_hyperparameter_fails_a_job_in_script_mode(account: Account) -> None:
    ended = _in_script_mode(account, "", licence="it's ours")
    assert ended["TrainingJobStatus"] == "Failed"
    assert "exit code: 2" in ended["FailureReason"]


def test_a_training_without_a_start_is_refused(account: Account) -> None:
    request = account.training("", account.role(*read_write("")))
    del request["AlgorithmSpecification"]["ContainerEntrypoint"]
    with pytest.raises(ClientError, match="sagemaker_program must name one, got None"):
        account.sagemaker.create_training_job(TrainingJobName="refused", **request)


def test_a_training_job_packs_its_model_unless_told_otherwise(account: Account) -> None:
    script = """
import os, pathlib
pathlib.Path(os.environ["TRAINING_ROOT"], "model/weights").write_text("w")
"""
    ended = account.train(account.training(script, account.role(*read_write(""))))
    key = f"models/{ended['TrainingJobName']}/output/model.tar.gz"
    assert ended["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/{key}"
    body = account.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=BytesIO(body)) as archive:
        assert archive.getnames() == ["weights"]


def test_a_training_job_that_fails_says_why_in_the_words_of_its_script(account: Account) -> None:
    script = """
import os, pathlib, sys
pathlib.Path(os.environ["TRAINING_ROOT"], "output/failure").write_text("loss is not a number")
sys.exit(1)
"""
    ended = account.train(account.training(script, account.role(*read_write(""))))
    assert ended["TrainingJobStatus"] == ended["SecondaryStatus"] == "Failed"
    assert ended["FailureReason"] == "AlgorithmError: loss is not a number, exit code: 1"


def test_a_stopped_training_job_keeps_its_model_and_goes_on_from_its_checkpoint(
    account: Account,
) -> None:
    checkpoints = account.name("checkpoints")
    account.put(f"{checkpoints}/step-1", "1")
    name = {"TrainingJobName": account.name("training")}
    request = account.training(
        _WAIT,
        account.role(*read_write(""), allow("s3:DeleteObject")),
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/{checkpoints}"},
    )
    account.sagemaker.create_training_job(**name, **request)
    until(lambda: account.log_lines("TrainingJob", name["TrainingJobName"]))
    account.sagemaker.stop_training_job(**name)
    ended = account.ended(lambda: account.sagemaker.describe_training_job(**name), "TrainingJob")
    assert ended["TrainingJobStatus"] == ended["SecondaryStatus"] == "Stopped"
    assert account.keys(f"{checkpoints}/") == ["step-2"]  # what it deletes, SageMaker deletes
    assert "model.tar.gz" in ended["ModelArtifacts"]["S3ModelArtifacts"]


# A program that asks the embedded AWS, by the address that it is told, and then by name.
_ASKS = """
import os, sys, urllib.request
print(sorted(name for name in os.environ if name.startswith("AWS_")))
try:
    urllib.request.urlopen("http://127.0.0.1:{port}/_ministack/health", timeout=60)
except OSError as error:
    sys.exit(f"unreachable: {{error}}")
"""
_ISOLATED: dict[str, dict[str, Any]] = {
    "processing": {"NetworkConfig": {"EnableNetworkIsolation": True}},
    "training": {"EnableNetworkIsolation": True},
}


def _asked(account: Account, kind: str, more: dict[str, Any]) -> tuple[str, list[str]]:
    """How a job of a kind ended that asks the embedded AWS, and what it printed."""
    script, role = _ASKS.format(port=account.aws.port), account.role(*read_write(""))
    if kind == "processing":
        ended = account.process(account.processing(script, role, **more))
    else:
        ended = account.train(account.training(script, role, **more))
    job = f"{kind.capitalize()}Job"
    lines = until(lambda: account.log_lines(job, ended[f"{job}Name"]))
    return str(ended.get("FailureReason", "")), lines


@pytest.mark.parametrize("kind", _ISOLATED)
def test_an_isolated_job_has_no_way_to_aws(account: Account, kind: str) -> None:
    reason, (names, *_) = _asked(account, kind, _ISOLATED[kind])
    assert names == "['AWS_DEFAULT_REGION', 'AWS_REGION']"
    assert not isolation.prefix() or "unreachable: " in reason


@pytest.mark.parametrize("kind", _ISOLATED)
def test_a_job_without_isolation_reaches_aws(account: Account, kind: str) -> None:
    reason, (names, *_) = _asked(account, kind, {})
    assert "'AWS_ENDPOINT_URL'" in names
    assert reason == ""


def test_an_isolated_job_still_reaches_itself_and_is_stopped(account: Account) -> None:
    script = """
import os, pathlib, signal, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=60)
signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
print("ready", flush=True)
time.sleep(600)
"""
    request = account.training(script, account.role(*read_write("")), EnableNetworkIsolation=True)
    name = {"TrainingJobName": account.name("training")}
    account.sagemaker.create_training_job(**name, **request)
    assert until(lambda: account.log_lines("TrainingJob", name["TrainingJobName"])) == ["ready"]
    account.sagemaker.stop_training_job(**name)
    ended = account.ended(lambda: account.sagemaker.describe_training_job(**name), "TrainingJob")
    assert ended["TrainingJobStatus"] == "Stopped"


def test_one_job_trains_at_a_time_and_a_pending_one_can_be_stopped(account: Account) -> None:
    request = account.training(_WAIT, account.role(*read_write("")))
    describe = account.sagemaker.describe_training_job
    first, second = ({"TrainingJobName": account.name("training")} for _ in range(2))
    account.sagemaker.create_training_job(**first, **request)
    until(lambda: describe(**first)["SecondaryStatus"] == "Training")
    account.sagemaker.create_training_job(**second, **request)
    until(lambda: describe(**second)["SecondaryStatus"] == "Pending")
    for name in (second, first):
        account.sagemaker.stop_training_job(**name)
        ended = account.ended(lambda name=name: describe(**name), "TrainingJob")  # type: ignore[misc] # a default binds the loop's value
        assert ended["TrainingJobStatus"] == "Stopped"
    assert "TrainingStartTime" not in describe(**second)


def test_a_job_ends_at_its_time_limit(account: Account) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    ended = account.train(
        account.training(_WAIT, account.role(*read_write("")), StoppingCondition=limit)
    )
    assert ended["TrainingJobStatus"] == "Stopped"
    assert ended["SecondaryStatus"] == "MaxRuntimeExceeded"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"AppSpecification": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/sklearn:1"}},
            "huggingface-pytorch-training images only",
        ),
        ({"AppSpecification": {"ContainerEntrypoint": ["bash", "x"]}}, "runs Python scripts"),
        ({"RoleArn": "arn:aws:iam::000000000000:role/nobody"}, "Could not assume role"),
        ({"Environment": {"1": "x"}}, "satisfy regular expression pattern"),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [s3_output("o", f"s3://{BUCKET}/o", "/somewhere/else")]
                }
            },
            "LocalPath must be under /opt/ml/processing",
        ),
    ],
)
def test_a_job_that_cannot_run_here_is_refused_in_words(
    account: Account, change: dict[str, Any], said: str
) -> None:
    request = account.processing("", account.role(*read_write("")))
    for member, value in change.items():
        request[member] = {**request.get(member, {}), **value} if type(value) is dict else value
    with pytest.raises(ClientError, match=said):
        account.sagemaker.create_processing_job(ProcessingJobName="refused", **request)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AlgorithmSpecification": {"ContainerEntrypoint": ["train"]}}, "runs Python scripts"),
        ({"ResourceConfig": {"InstanceCount": 2}}, "on one instance, got 2"),
        (
            {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "m", "Regex": "loss"}]}},
            "its Regex must have a group",
        ),
        (
            {
                "AlgorithmSpecification": {"TrainingInputMode": "Pipe"},
                "InputDataConfig": ["s3://b"],
            },
            "reads S3Prefix data as files only",
        ),
    ],
)
def test_a_training_that_cannot_run_here_is_refused_in_words(
    account: Account, change: dict[str, Any], said: str
) -> None:
    request = account.training("", account.role(*read_write("")))
    for member, value in change.items():
        if member == "InputDataConfig":
            request[member] = [channel("train", uri) for uri in value]
        else:
            request[member] = {**request[member], **value}
    with pytest.raises(ClientError, match=said):
        account.sagemaker.create_training_job(TrainingJobName="refused", **request)


def test_a_role_that_trusts_another_service_is_refused(account: Account) -> None:
    role = account.role(service="lambda.amazonaws.com")
    with pytest.raises(ClientError, match="Could not assume role"):
        account.sagemaker.create_processing_job(
            ProcessingJobName="refused", **account.processing("", role)
        )


def test_jobs_are_listed_by_status_and_name(account: Account) -> None:
    stem = account.name("listed")
    request = account.processing("", account.role(*read_write("")))
    for suffix in ("a", "b", "c"):
        account.sagemaker.create_processing_job(ProcessingJobName=f"{stem}-{suffix}", **request)
    listed = account.sagemaker.list_processing_jobs
    until(lambda: len(_names(listed(NameContains=stem, StatusEquals="Completed"))) == 3)
    first = listed(NameContains=stem, SortBy="Name", SortOrder="Descending", MaxResults=2)
    assert _names(first) == [f"{stem}-c", f"{stem}-b"]
    rest = listed(
        NameContains=stem, SortBy="Name", SortOrder="Descending", NextToken=first["NextToken"]
    )
    assert _names(rest) == [f"{stem}-a"]


def _names(answer: dict[str, Any]) -> list[str]:
    return [job["ProcessingJobName"] for job in answer["ProcessingJobSummaries"]]


def test_a_new_account_runs_no_job(account: Account) -> None:
    role = account.role(*read_write(""))
    training = account.training("", role)
    spot = {
        **training,
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
    }
    processing = account.processing("", role)
    with account.circumstances(account="new"):
        for run, request, quota in (
            (account.train, training, "ml.g5.12xlarge for training job usage"),
            (account.train, spot, "ml.g5.12xlarge for spot training job usage"),
            (account.process, processing, "ml.m5.xlarge for processing job usage"),
        ):
            with pytest.raises(ClientError, match=f"limit '{quota}' is 0 Instances") as caught:
                run(request)
            assert caught.value.response["Error"]["Code"] == "ResourceLimitExceeded"


def test_a_job_without_capacity_fails_and_says_so(account: Account) -> None:
    role = account.role(*read_write(""))
    no_capacity = ["ml.g5.12xlarge", "ml.m5.xlarge"]
    with account.circumstances(no_capacity=no_capacity):
        trained = account.train(account.training("", role))
        processed = account.process(account.processing("", role))
    for ended, status in ((trained, "TrainingJobStatus"), (processed, "ProcessingJobStatus")):
        assert ended[status] == "Failed"
        assert ended["FailureReason"].startswith("CapacityError: Unable to provision requested ML")


def test_a_job_has_no_volume_key_on_instances_with_local_disks(account: Account) -> None:
    role = account.role(*read_write(""))
    training, processing = account.training("", role), account.processing("", role)
    cluster = processing["ProcessingResources"]["ClusterConfig"]
    training["ResourceConfig"]["VolumeKmsKeyId"] = cluster["VolumeKmsKeyId"] = "k"
    cluster["InstanceType"] = "ml.g5.xlarge"
    for run, request in ((account.train, training), (account.process, processing)):
        with pytest.raises(ClientError, match=r"request a VolumeKmsKeyId .* ml\.g5"):
            run(request)
