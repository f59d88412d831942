"""The pipeline's probes: executions of the deployed definition, whose jobs' code is a stub."""

import io
import json
import re
import time
import uuid
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from least_privilege.account import client
from least_privilege.waiting import Patience, ProbeError

_STUB = Path(__file__).with_name("stub_job.py")
_CODE = re.compile(r"s3://cdk-[^\"\\]+?\.zip")
_ENDED = ("Succeeded", "Failed", "Stopped")
PENDING, APPROVED = "PendingManualApproval", "Approved"


class Pipeline:
    """Starts executions and watches them."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        (stack,) = client("cloudformation").describe_stacks(StackName="Local-Training")["Stacks"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.name, self._bucket = self.outputs["PipelineName"], self.outputs["DataBucketName"]
        self.group = self.outputs["ModelPackageGroupName"]
        self._definition: str = client("sagemaker").describe_pipeline(PipelineName=self.name)[
            "PipelineDefinition"
        ]

    def replace_code(self) -> None:
        """Put the stub where the definition finds the jobs' code, and a file for the base model."""
        for uri in set(_CODE.findall(self._definition)):
            _put(uri, _zip())
        parameters = json.loads(self._definition)["Parameters"]
        base = next(p["DefaultValue"] for p in parameters if p["Name"] == "BaseModelUri")
        _put(f"{base.rstrip('/')}/config.json", b"{}")

    def data(self, *flags: str) -> str:
        """Upload data that no execution has had before, and return their URI."""
        uri = f"s3://{self._bucket}/data/{uuid.uuid4().hex}/"
        _put(f"{uri}train.jsonl", b"{}\n")
        for flag in flags:
            _put(f"{uri}{flag}", b"")
        return uri

    def start(self, data: str, approval: str = PENDING) -> str:
        """Start an execution and return its ARN."""
        values = {"InputDataUri": data, "ModelApprovalStatus": approval}
        answer = client("sagemaker").start_pipeline_execution(
            PipelineName=self.name,
            PipelineParameters=[{"Name": k, "Value": v} for k, v in values.items()],
            ClientRequestToken=uuid.uuid4().hex,
        )
        return str(answer["PipelineExecutionArn"])

    def expect(self, execution: str, status: str) -> None:
        """Wait for the end; raises ProbeError when it is another."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = client("sagemaker").describe_pipeline_execution(
                PipelineExecutionArn=execution
            )
            return found if found["PipelineExecutionStatus"] in _ENDED else None

        found = self._patience.until("the execution does not end", ended, grace=8)
        if found["PipelineExecutionStatus"] != status:
            reason = found.get("FailureReason", "")
            raise ProbeError(f"the execution ends {found['PipelineExecutionStatus']}", reason)

    def stop_in(self, execution: str, step: str) -> None:
        """Stop the execution while a step's job runs, and expect it to stop."""
        self._patience.until(f"{step} does not begin", lambda: self._runs(execution, step))
        client("sagemaker").stop_pipeline_execution(
            PipelineExecutionArn=execution, ClientRequestToken=uuid.uuid4().hex
        )
        self.expect(execution, "Stopped")

    def _runs(self, execution: str, step: str) -> bool:
        found = self.steps(execution).get(step)
        if found is None or "Metadata" not in found:
            return False
        if found["StepStatus"] != "Executing":
            raise ProbeError(f"{step} fails", found.get("FailureReason"))
        return True

    @staticmethod
    def steps(execution: str) -> dict[str, Any]:
        """Return the execution's steps by name."""
        found = client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=execution)
        return {step["StepName"]: step for step in found["PipelineExecutionSteps"]}

    def run_and_stop(self) -> None:
        """Two executions that store the same model, one that is stopped in each kind of job."""
        began, data = int(time.time() * 1000), self.data()
        whole, prepares = self.start(data), self.start(self.data("wait"))
        self.stop_in(prepares, "Prepare")
        self.expect(whole, "Succeeded")
        self.expect(self.start(data), "Succeeded")
        self._patience.until(
            "no log line of the store", lambda: is_logged("model_release.store", began), grace=1
        )
        trains = self.start(self.data("wait-to-train"))
        self.stop_in(trains, "FineTune")

    def clear(self) -> None:
        """End what a probe left running."""
        sagemaker = client("sagemaker")
        found = sagemaker.list_pipeline_executions(PipelineName=self.name, MaxResults=10)
        for summary in found["PipelineExecutionSummaries"]:
            execution = summary["PipelineExecutionArn"]
            if summary["PipelineExecutionStatus"] in _ENDED:
                continue
            with suppress(ClientError):
                sagemaker.stop_pipeline_execution(
                    PipelineExecutionArn=execution, ClientRequestToken=uuid.uuid4().hex
                )
            for step in self.steps(execution).values():
                callback = step.get("Metadata", {}).get("Callback")
                if callback:
                    with suppress(ClientError):
                        sagemaker.send_pipeline_execution_step_failure(
                            CallbackToken=callback["CallbackToken"], FailureReason="cleared"
                        )
        _stop_jobs()


def is_logged(handler: str, began: int) -> bool:
    """Return whether the function of a handler has logged since then, in ms of the epoch."""
    functions = client("lambda").list_functions()["Functions"]
    (found,) = (f for f in functions if f["Handler"].startswith(handler))
    group = found["LoggingConfig"]["LogGroup"]
    return bool(client("logs").filter_log_events(logGroupName=group, startTime=began)["events"])


def _stop_jobs() -> None:
    sagemaker = client("sagemaker")
    for kind in ("training", "processing"):
        name = f"{kind.capitalize()}Job"
        listed = getattr(sagemaker, f"list_{kind}_jobs")(StatusEquals="InProgress")
        for job in listed[f"{name}Summaries"]:
            with suppress(ClientError):
                getattr(sagemaker, f"stop_{kind}_job")(**{f"{name}Name": job[f"{name}Name"]})


def _put(uri: str, content: bytes) -> None:
    place = urlsplit(uri)
    client("s3").put_object(Bucket=place.netloc, Key=place.path.lstrip("/"), Body=content)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(_STUB, "__main__.py")
    return buffer.getvalue()
