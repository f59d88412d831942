"""Processing jobs: inputs from S3, one script, outputs to S3."""

import json

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid, now
from embedded_aws.sagemaker import s3_folders
from embedded_aws.sagemaker.jobs import entrypoint
from embedded_aws.sagemaker.jobs.images import check_image, check_one_instance
from embedded_aws.sagemaker.jobs.job import Job, JobError

_ROOT = "/opt/ml/processing"


def check(request: Json) -> None:
    """Raise ServiceError for what this machine cannot run."""
    check_image(request["AppSpecification"]["ImageUri"])
    check_one_instance(request["ProcessingResources"]["ClusterConfig"]["InstanceCount"])
    entrypoint.check(request["AppSpecification"])
    for given in request.get("ProcessingInputs", []):
        source = given.get("S3Input", {})
        if source.get("S3DataType") != "S3Prefix" or source.get("S3InputMode", "File") != "File":
            raise invalid(
                f"input {given['InputName']}: the embedded SageMaker reads S3Prefix inputs in "
                "File mode only"
            )
        _check_path(given["InputName"], source.get("LocalPath", ""))
    for given in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        target = given.get("S3Output", {})
        if target.get("S3UploadMode") != "EndOfJob":
            raise invalid(
                f"output {given['OutputName']}: the embedded SageMaker uploads at EndOfJob only"
            )
        _check_path(given["OutputName"], target["LocalPath"])


def _check_path(name: str, path: str) -> None:
    if not f"{path}/".startswith(f"{_ROOT}/") or ".." in path.split("/"):
        raise invalid(f"{name}: LocalPath must be under {_ROOT}, got {path!r}")


def run(job: Job) -> None:
    """Run the job; raises JobError when it fails."""
    job.record["ProcessingStartTime"] = now()
    _download(job)
    config = job.path("/opt/ml/config") / "processingjobconfig.json"
    config.write_text(json.dumps(job.record))
    ended = job.execute(
        entrypoint.command(job, job.record["AppSpecification"]),
        {
            "PROCESSING_ROOT": str(job.path(_ROOT)),
            "PROCESSING_JOB_ARN": job.record["ProcessingJobArn"],
        },
        job.path(_ROOT),
    )
    if message := job.said("output/message"):
        job.record["ExitMessage"] = message
    if job.stopping.is_set():
        return
    if ended.status:
        raise JobError(f"AlgorithmError: {message or ended.last_line}, exit code: {ended.status}")
    _upload(job)


def _download(job: Job) -> None:
    s3 = job.client("s3")
    for given in job.record.get("ProcessingInputs", []):
        source = given["S3Input"]
        try:
            s3_folders.download(s3, source["S3Uri"], job.path(source["LocalPath"]))
        except s3_folders.TransferError as error:
            raise JobError(f"ClientError: Data download failed: {error}") from error
    for given in _outputs(job):
        job.path(given["S3Output"]["LocalPath"])


def _upload(job: Job) -> None:
    s3 = job.client("s3")
    key = job.record.get("ProcessingOutputConfig", {}).get("KmsKeyId")
    for given in _outputs(job):
        target = given["S3Output"]
        try:
            s3_folders.upload(s3, job.path(target["LocalPath"]), target["S3Uri"], key)
        except s3_folders.TransferError as error:
            raise JobError(f"ClientError: Data upload failed: {error}") from error


def _outputs(job: Job) -> list[Json]:
    outputs: list[Json] = job.record.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs
