"""One running pipeline execution: steps in order, in parallel where the definition allows."""

import logging
import queue
import threading
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

from embedded_aws.core.emulator import Json, ScopedStore, put_event
from embedded_aws.core.rpc import ServiceError, now
from embedded_aws.sagemaker import roles
from embedded_aws.sagemaker.pipelines import cache
from embedded_aws.sagemaker.pipelines.definition import Step, parse
from embedded_aws.sagemaker.pipelines.expressions import ExpressionError, Scope
from embedded_aws.sagemaker.pipelines.retries import Retries, StepFailed
from embedded_aws.sagemaker.pipelines.steps import RUNNERS, Run, StepStopped
from embedded_aws.state.saving import saver

_MAX_PARALLEL_STEPS = 200
_log = logging.getLogger(__name__)


class Execution:
    """One execution while it runs; all that it finds out stands in its record in `executions`."""

    def __init__(self, record: Json, executions: ScopedStore) -> None:
        self._record = record
        self._executions = executions
        self._definition = parse(record["_Definition"])
        self._steps: dict[str, Json] = record["_Steps"]
        self._stopping = threading.Event()
        self._changing = threading.Lock()  # between the end and a call that stops it
        self._scope = Scope(
            parameters=record["_Parameters"],
            variables=self._variable,
            properties=lambda step: self._steps[step]["_Properties"],
            property_file=self._property_file,
            s3=lambda: self._client("s3"),
        )

    def stop(self) -> None:
        """Start no more steps, and stop those that run, unless it has ended."""
        if self._set_status("Stopping"):
            self._stopping.set()

    def begin(self) -> None:
        """Show that the execution is under way."""
        self._set_status("Executing")

    def run(self) -> None:
        """Run the steps that have not succeeded, until none is left that can run."""
        try:
            self._run_steps()
        except Exception as error:  # noqa: BLE001 - else a bug would let it be Executing for ever
            _log.exception("execution %s", self._record["PipelineExecutionArn"])
            self._stopping.set()
            self._fail(f"InternalServerError: {error!r}")
        else:
            self._end()

    def _run_steps(self) -> None:
        parallel = self._record.get("ParallelismConfiguration", {})
        most = parallel.get("MaxParallelExecutionSteps", _MAX_PARALLEL_STEPS)
        begun = set(self._steps)
        ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        running: set[str] = set()
        while True:
            for step in self._ready(begun)[: most - len(running)]:
                begun.add(step.name)
                running.add(step.name)
                self._begin_step(step, ended)
            if not running:
                break
            running.remove(ended.get())

    def _begin_step(self, step: Step, ended: queue.SimpleQueue[str]) -> None:
        def run() -> None:
            try:
                self._run_step(step)
            finally:
                ended.put(step.name)

        # not an executor's thread: the server does not wait for these when it stops
        threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()

    def _ready(self, begun: set[str]) -> list[Step]:
        if self._stopping.is_set() or self._failed():
            return []
        steps = list(self._steps.items())  # a copy: threads that begin add theirs
        succeeded = {name for name, record in steps if record["StepStatus"] == "Succeeded"}
        return [
            step
            for step in self._definition.steps.values()
            if step.name not in begun and step.needs <= succeeded and self._chosen(step)
        ]

    def _chosen(self, step: Step) -> bool:
        if step.branch is None:
            return True
        condition, outcome = step.branch
        properties = self._steps.get(condition, {}).get("_Properties", {})
        return bool(properties.get("Outcome") == str(outcome))

    def _failed(self) -> list[Json]:
        steps = list(self._steps.values())
        return [record for record in steps if record["StepStatus"] == "Failed"]

    def _end(self) -> None:
        if failed := self._failed():
            reasons = "; ".join(f"{s['StepName']}: {s['FailureReason']}" for s in failed)
            self._fail(f"Step failure: One or multiple steps failed. {reasons}")
        else:
            self._set_status("Stopped" if self._stopping.is_set() else "Succeeded")

    def _fail(self, reason: str) -> None:
        self._record["FailureReason"] = reason
        self._set_status("Failed")

    def _run_step(self, step: Step) -> None:
        record: Json = {"StepName": step.name, "StepStatus": "Executing", "StartTime": now()}
        for member, shown in (
            ("DisplayName", "StepDisplayName"),
            ("Description", "StepDescription"),
        ):
            if member in step.body:
                record[shown] = step.body[member]
        self._steps[step.name] = record
        retries = Retries(step.body.get("RetryPolicies", []))
        ended = None
        try:
            while ended is None:
                record["AttemptCount"] = record.get("AttemptCount", 0) + 1
                ended = self._attempt(step, record, retries)
        except Exception as error:  # noqa: BLE001 - else a bug would let the step run for ever
            _log.exception("step %s", step.name)
            record["FailureReason"] = f"InternalServerError: {error!r}"
            ended = "Failed"
        record["EndTime"] = now()
        record["StepStatus"] = ended
        saver.note_change()

    def _attempt(self, step: Step, record: Json, retries: Retries) -> str | None:
        """Try a step once; returns its final status, or None when it is to be tried again."""
        try:
            record["_Properties"] = self._properties(step, record)
        except StepStopped:
            return "Stopped"
        except StepFailed as error:
            failure = error
        except (ExpressionError, ServiceError) as error:
            failure = StepFailed(f"ClientError: {error}")
        else:
            return "Succeeded"
        delay = retries.delay(failure)
        if delay is not None:
            return "Stopped" if self._stopping.wait(delay) else None
        record["FailureReason"] = str(failure)
        return "Failed"

    def _properties(self, step: Step, record: Json) -> Json:
        """Run a step, or take over what an earlier run of it made."""
        arguments = {} if step.type == "Condition" else self._scope.value(step.arguments)
        cache_key = cache.key(step, arguments)
        if cache_key:
            record["_CacheKey"] = cache_key
            same_pipeline = (
                e
                for e in self._executions.values()
                if e["PipelineArn"] == self._record["PipelineArn"]
            )
            if found := cache.find(step, cache_key, same_pipeline):
                earlier, source = found
                record["CacheHitResult"] = {"SourcePipelineExecutionArn": source}
                record["Metadata"] = earlier["Metadata"]
                properties: Json = earlier["_Properties"]
                return properties
        run = Run(step, record, self._record, self._scope, self._stopping, self._client)
        return RUNNERS[step.type](run, arguments)

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        return roles.client(self._record["_RoleArn"], service)

    def _variable(self, name: str) -> str:
        execution_arn = self._record["PipelineExecutionArn"]
        values: dict[str, str] = {
            "PipelineExecutionArn": execution_arn,
            "PipelineExecutionId": execution_arn.rpartition("/")[2],
            "PipelineArn": self._record["PipelineArn"],
            "PipelineName": self._record["_PipelineName"],
            "StartDateTime": _iso(self._record["CreationTime"]),
            "CurrentDateTime": _iso(now()),
        }
        return values[name]

    def _property_file(self, step: str, name: str) -> str:
        files = {
            f["PropertyFileName"]: f for f in self._definition.steps[step].body["PropertyFiles"]
        }
        outputs = self._steps[step]["_Properties"]["ProcessingOutputConfig"]["Outputs"]
        uris = {output["OutputName"]: output["S3Output"]["S3Uri"] for output in outputs}
        return f"{uris[files[name]['OutputName']].rstrip('/')}/{files[name]['FilePath']}"

    def _set_status(self, status: str) -> bool:
        """Change the status and tell it; return False where there is nothing left to stop."""
        with self._changing:
            previous = self._record.get("PipelineExecutionStatus")
            if status == "Stopping" and previous != "Executing":
                return False
            self._record.update(PipelineExecutionStatus=status, LastModifiedTime=now())
            told = dict(self._record)  # it may change again meanwhile
        saver.note_change()
        if status != previous:
            _tell(told, previous)
        return True


def _tell(record: Json, previous: str | None) -> None:
    pipeline, execution = record["PipelineArn"], record["PipelineExecutionArn"]
    detail = {
        "pipelineExecutionDisplayName": record["PipelineExecutionDisplayName"],
        "pipelineExecutionDescription": record.get("PipelineExecutionDescription", ""),
        "currentPipelineExecutionStatus": record["PipelineExecutionStatus"],
        "previousPipelineExecutionStatus": previous,
        "executionStartTime": _iso(record["CreationTime"]),
        "pipelineArn": pipeline,
        "pipelineExecutionArn": execution,
    }
    if record["PipelineExecutionStatus"] in ("Succeeded", "Failed", "Stopped"):
        detail["executionEndTime"] = _iso(record["LastModifiedTime"])
    put_event(
        "aws.sagemaker",
        "SageMaker Model Building Pipeline Execution Status Change",
        [pipeline, execution],
        detail,
    )


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
