"""SageMaker's training and processing jobs: each runs as a process of this machine."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, ScopedStore, account_id, region, scope
from embedded_aws.core.rpc import Operation, ServiceError, invalid, now
from embedded_aws.quotas import catalog, limits
from embedded_aws.sagemaker import disks, listings, roles
from embedded_aws.sagemaker.jobs import processing, spot, training, training_status
from embedded_aws.sagemaker.jobs.job import Job, JobError
from embedded_aws.sagemaker.names import resource_arn
from embedded_aws.state import losses
from embedded_aws.state.saving import saver

_INTERRUPTED = "InternalServerError: the embedded AWS was stopped while the job ran"
_log = logging.getLogger(__name__)
_Key = tuple[str, str, str]
_running: dict[_Key, Job] = {}
_status_lock = threading.Lock()  # between a job's end and a call that stops it


@dataclass(frozen=True)
class _Kind:
    """The operations on training jobs, or on processing jobs; `prefix` tells them apart."""

    prefix: str
    check: Callable[[Json], None]
    run: Callable[[Job], None]
    note_status: Callable[[Json, str], None]  # the secondary one
    store: ScopedStore = field(default_factory=ScopedStore)

    def operations(self) -> dict[str, Operation]:
        """By the names that they have in the service model."""
        kind = self._member("")
        return {
            f"Create{kind}": self.create,
            f"Describe{kind}": self.describe,
            f"List{kind}s": self.list,
            f"Stop{kind}": self.stop,
        }

    def _member(self, name: str) -> str:
        return f"{self.prefix}Job{name}"

    def create(self, request: Json) -> Json:
        """Create: answers at once, the job runs behind it."""
        name = request[self._member("Name")]
        created = resource_arn(f"{self.prefix}-job", name)
        if name in self.store:
            raise ServiceError("ResourceInUse", f"Job {created} already exists.")
        self.check(request)
        cluster = _cluster(request)
        disks.check_key("VolumeKmsKeyId", cluster.get("VolumeKmsKeyId"), cluster["InstanceType"])
        self._check_quota(request)
        roles.credentials(request["RoleArn"])  # refuses a role that SageMaker may not assume
        self.store[name] = record = {
            **request,
            self._member("Arn"): created,
            self._member("Status"): "InProgress",
            "CreationTime": now(),
            "LastModifiedTime": now(),
        }
        self.note_status(record, "Starting")
        _running[account_id(), region(), created] = Job(record, self._member(""), name)
        threading.Thread(
            target=self._run, args=(account_id(), region(), created), daemon=True
        ).start()
        return {self._member("Arn"): created}

    def describe(self, request: Json) -> Json:
        """Describe."""
        shown = dict(self._get(request))  # a copy: the job writes into the record as it runs
        shown.pop("Tags", None)
        return shown

    def list(self, request: Json) -> Json:
        """List."""
        name, job_arn, status = map(self._member, ("Name", "Arn", "Status"))
        times = (f"{self.prefix}EndTime", "CreationTime", "LastModifiedTime")
        return listings.page(
            f"{self._member('')}Summaries",
            self.store.values(),
            (name, job_arn, status, *times, "SecondaryStatus", "FailureReason", "ExitMessage"),
            request,
            sort_keys={"Name": name, "Status": status, "CreationTime": "CreationTime"},
        )

    def stop(self, request: Json) -> Json:
        """Stop: the container gets SIGTERM, and has two minutes."""
        record = self._get(request)
        with _status_lock:
            if record[self._member("Status")] == "InProgress":
                record[self._member("Status")] = "Stopping"
                self.note_status(record, "Stopping")
                _running[account_id(), region(), record[self._member("Arn")]].stopping.set()
        return {}

    def interrupt_all(self) -> None:
        """Mark the jobs that ran when the embedded AWS stopped: none survives that."""
        for record in self.store.all_values():
            if not self._has_ended(record):
                losses.note(f"{record[self._member('Arn')]} ran")
                self._end(record, "Failed", reason=_INTERRUPTED)

    def _check_quota(self, request: Json) -> None:
        """Raise ServiceError unless the account may run the job's instances beside the others'."""
        usage, instance_type, wanted = _usage(request)
        others = [_usage(each) for each in self.store.values() if not self._has_ended(each)]
        in_use = sum(count for *kind, count in others if kind == [usage, instance_type])
        limits.check_instances(instance_type, usage, in_use=in_use, wanted=wanted)

    def _has_ended(self, record: Json) -> bool:
        return record[self._member("Status")] not in ("InProgress", "Stopping")

    def _get(self, request: Json) -> Json:
        name = request[self._member("Name")]
        if name not in self.store:
            raise ServiceError("ResourceNotFound", "Requested resource not found.")
        record: Json = self.store[name]
        return record

    def _run(self, *key: str) -> None:
        account, region_name, created = key
        job = _running[account, region_name, created]
        with scope(account, region_name):
            try:
                job.check_rights()
                _check_capacity(job.record)
                self.run(job)
                self._end(job.record, *_outcome(job))
            except (JobError, ServiceError) as error:
                self._end(job.record, "Failed", reason=str(error))
            except Exception as error:  # noqa: BLE001 - else a bug would let the job run for ever
                _log.exception("job %s", created)
                self._end(job.record, "Failed", reason=f"InternalServerError: {error!r}")
            finally:
                job.kill()
                del _running[account, region_name, created]

    def _end(self, record: Json, status: str, secondary: str = "", reason: str = "") -> None:
        if reason:
            record["FailureReason"] = reason
        record.update({f"{self.prefix}EndTime": now(), "LastModifiedTime": now()})
        self.note_status(record, secondary or status)
        with _status_lock:  # last: whoever waits for it may read the others at once
            record[self._member("Status")] = status
        saver.note_change()


def _cluster(request: Json) -> Json:
    """Return what a job says of its instances; raises ServiceError unless they are of one type."""
    processing_cluster = request.get("ProcessingResources", {}).get("ClusterConfig")
    cluster: Json = processing_cluster or request.get("ResourceConfig", {})
    if "InstanceType" not in cluster:
        raise invalid("the embedded SageMaker runs jobs on an InstanceType of their ResourceConfig")
    return cluster


def _usage(request: Json) -> tuple[str, str, int]:
    """Return the kind of use that a job's instances count as, their type and number."""
    usage, cluster = catalog.TRAINING, _cluster(request)
    if "ProcessingResources" in request:
        usage = catalog.PROCESSING
    elif spot.is_on_spot(request):
        usage = catalog.SPOT_TRAINING
    return usage, cluster["InstanceType"], cluster.get("InstanceCount", 1)


def _check_capacity(request: Json) -> None:
    """Raise JobError, in the words of public reports, when AWS has no instance of the job's type.

    A training on spot instances waits for them instead.
    """
    if spot.is_on_spot(request):
        return
    if _cluster(request)["InstanceType"] in circumstances.current().no_capacity:
        raise JobError(
            "CapacityError: Unable to provision requested ML compute capacity. Please retry using "
            "a different ML instance type."
        )


def _outcome(job: Job) -> tuple[str, str]:
    if job.exceeded:
        return "Stopped", job.exceeded
    return ("Stopped", "Stopped") if job.stopping.is_set() else ("Completed", "Completed")


_KINDS = (
    _Kind("Training", training.check, training.run, training_status.note_status),
    _Kind("Processing", processing.check, processing.run, lambda _record, _status: None),
)
OPERATIONS = {name: run for kind in _KINDS for name, run in kind.operations().items()}
STORES = {f"{kind.prefix.lower()}_jobs": kind.store for kind in _KINDS}


def interrupt_all() -> None:
    """Mark every job that ran when the embedded AWS stopped."""
    for kind in _KINDS:
        kind.interrupt_all()


def stop_all() -> None:
    """End every job's process; their records are marked at the next start."""
    for job in list(_running.values()):
        job.kill()
