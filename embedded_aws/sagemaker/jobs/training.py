"""Training jobs: channels from S3, one script, its model and checkpoints to S3."""

import re
import tarfile
import threading
from pathlib import Path

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid, now
from embedded_aws.sagemaker import s3_folders
from embedded_aws.sagemaker.jobs import entrypoint, spot, toolkit, training_config
from embedded_aws.sagemaker.jobs.images import check_image, check_one_instance
from embedded_aws.sagemaker.jobs.job import Ended, Job, JobError
from embedded_aws.sagemaker.jobs.training_status import note_status

_CHECKPOINTS = "/opt/ml/checkpoints"
_WRITTEN = ("/opt/ml/model", "/opt/ml/output/data")  # by the script
_POLL_SECONDS = 0.2
_one_at_a_time = threading.Lock()  # a laptop has one processor to train on


def check(request: Json) -> None:
    """Raise ServiceError for what this machine cannot run."""
    check_image(request["AlgorithmSpecification"].get("TrainingImage", ""))
    check_one_instance(request.get("ResourceConfig", {}).get("InstanceCount", 1))
    spot.check(request)
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", []):
        _check_pattern(definition)
    if _in_script_mode(request):
        toolkit.check(request)
    else:
        entrypoint.check(request["AlgorithmSpecification"])
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource", {})
        mode = channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"])
        if source.get("S3DataType") != "S3Prefix" or mode == "Pipe":
            raise invalid(
                f"channel {channel['ChannelName']}: the embedded SageMaker reads S3Prefix data "
                "as files only"
            )


def _check_pattern(definition: Json) -> None:
    try:
        groups = re.compile(definition["Regex"]).groups
    except re.error as error:
        raise invalid(f"metric {definition['Name']}: {error}") from error
    if not groups:
        raise invalid(f"metric {definition['Name']}: its Regex must have a group for the number")


def run(job: Job) -> None:
    """Run the job on an instance, or on one after the other; raises JobError when it fails."""
    metrics = _Metrics(job.record["AlgorithmSpecification"].get("MetricDefinitions", []))
    while _waits_for_its_turn(job):
        try:
            ended = _run(job, metrics)
        except s3_folders.TransferError as error:
            raise JobError(f"ClientError: {error}") from error
        finally:
            _one_at_a_time.release()
        if ended:
            return
        note_status(job.record, "Interrupted")
        job.start_over()
        note_status(job.record, "Starting")
    note_status(job.record, "Stopping")


def _waits_for_its_turn(job: Job) -> bool:
    """Wait for an instance, and until no other job trains; return False if stopped meanwhile."""
    spot.wait(job)
    while not job.stopping.is_set():
        if _one_at_a_time.acquire(timeout=_POLL_SECONDS):
            return True
        note_status(job.record, "Pending")
    return False


def _run(job: Job, metrics: "_Metrics") -> bool:
    """Run the script and bring its results away; return False if AWS took the instance back."""
    note_status(job.record, "Downloading")
    job.record.setdefault("TrainingStartTime", now())
    checkpoints = _checkpoint_folder(job)
    _download(job)
    training_config.write(job)
    note_status(job.record, "Training")
    for folder in _WRITTEN:
        job.path(folder)
    ended = _execute(job, metrics)
    job.record["FinalMetricDataList"] = metrics.final
    _upload_checkpoints(job, checkpoints)
    if job.is_taken_back:
        return False
    stopped = job.stopping.is_set()
    if ended.status and not stopped:
        reason = job.said("output/failure") or ended.last_line
        raise JobError(f"AlgorithmError: {reason}, exit code: {ended.status}")
    note_status(job.record, "Stopping" if stopped else "Uploading")
    _upload(job)  # of a stopped job too, as on AWS
    return True


def _execute(job: Job, metrics: "_Metrics") -> Ended:
    own = {
        "TRAINING_ROOT": str(job.folder),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.record["TrainingJobArn"],
    }
    if _in_script_mode(job.record):
        own |= toolkit.environment(job)
        return job.execute(toolkit.command(job), own, toolkit.folder(job), metrics.read)
    command = entrypoint.command(job, job.record["AlgorithmSpecification"])
    return job.execute(command, own, job.folder, metrics.read)


def _in_script_mode(request: Json) -> bool:
    return "ContainerEntrypoint" not in request["AlgorithmSpecification"]


def _download(job: Job) -> None:
    s3 = job.client("s3")
    for channel in job.record.get("InputDataConfig", []):
        source = channel["DataSource"]["S3DataSource"]["S3Uri"]
        s3_folders.download(s3, source, job.path(f"/opt/ml/input/data/{channel['ChannelName']}"))


def _checkpoint_folder(job: Job) -> Path:
    config = job.record.get("CheckpointConfig", {})
    folder = job.path(config.get("LocalPath", _CHECKPOINTS))
    if "S3Uri" in config:
        s3_folders.download(job.client("s3"), config["S3Uri"], folder, may_be_empty=True)
    return folder


def _upload_checkpoints(job: Job, folder: Path) -> None:
    # SageMaker does so as they are written: here, when the script has ended, however it did.
    if uri := job.record.get("CheckpointConfig", {}).get("S3Uri"):
        s3_folders.mirror(job.client("s3"), folder, uri)


def _upload(job: Job) -> None:
    config, s3 = job.record["OutputDataConfig"], job.client("s3")
    prefix = f"{config['S3OutputPath'].rstrip('/')}/{job.name}/output"
    model, data = job.path("/opt/ml/model"), job.path("/opt/ml/output/data")
    key = config.get("KmsKeyId")
    if config.get("CompressionType") == "NONE":
        s3_folders.upload(s3, model, f"{prefix}/model", key)
        s3_folders.upload(s3, data, f"{prefix}/data", key)
        artifacts = f"{prefix}/model"  # without the last slash that an endpoint wants
    else:
        s3_folders.upload_file(s3, _archive(model), f"{prefix}/model.tar.gz", key)
        if any(data.iterdir()):
            s3_folders.upload_file(s3, _archive(data), f"{prefix}/output.tar.gz", key)
        artifacts = f"{prefix}/model.tar.gz"
    job.record["ModelArtifacts"] = {"S3ModelArtifacts": artifacts}


def _archive(folder: Path) -> Path:
    path = folder.with_suffix(".tar.gz")
    with tarfile.open(path, "w:gz") as archive:
        for child in sorted(folder.iterdir()):
            archive.add(child, child.name)
    return path


class _Metrics:
    """The last value that each metric definition's pattern found in the output."""

    def __init__(self, definitions: list[Json]) -> None:
        self._patterns = {d["Name"]: re.compile(d["Regex"]) for d in definitions}
        self._found: dict[str, Json] = {}

    def read(self, line: str) -> None:
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(line):
                try:
                    value = float(match.group(1))
                except (TypeError, ValueError):  # the group took no part, or is no number
                    continue
                self._found[name] = {"MetricName": name, "Value": value, "Timestamp": now()}

    @property
    def final(self) -> list[Json]:
        return list(self._found.values())
