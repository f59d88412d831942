"""What we use of ministack's persistence: the records of all services, and the objects of S3."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence
from ministack.services import cloudformation, s3, sqs

from embedded_aws.core.emulator import region, scope

_STACKS = "cloudformation"
_QUEUES = "sqs"


def collect() -> dict[str, str]:
    """Return the records of every service that is in use, as JSON texts.

    Raises OSError when what they refer to cannot be written to the disk.
    """
    s3.logger.disabled = True  # it would warn of the same object each time
    try:
        _write_objects()
    finally:
        s3.logger.disabled = False
    saved = ministack._build_persistence_save_dict()
    if _STACKS in saved:
        saved[_STACKS] = _stack_records
    states = {name: state() for name, state in saved.items()}
    return {
        name: json.dumps(state, default=persistence._json_default)
        for name, state in states.items()
        if state is not None
    }


def _stack_records() -> dict[str, Any]:
    """Return the records of CloudFormation: ministack copies them first, which takes far longer."""
    return {key: store() for store, key in cloudformation._PERSISTED_STORES}


def restore_from(services: dict[str, str]) -> None:
    """Let ministack read these texts when it starts."""

    def load(name: str) -> Any:
        text = services.get(name)
        state = text and json.loads(text, object_hook=persistence._json_object_hook)
        if state and name == _QUEUES:
            _let_queues_move(state["queues"])
        return state

    ministack.load_state = load


def _let_queues_move(queues: Any) -> None:
    """Give queues the URLs of this server, whose port may be another: Lambda polls these."""
    for (account, its_region, url), queue in list(queues._data.items()):
        queue["url"] = sqs._queue_url_for_account(account, queue["name"])
        queues._data[account, its_region, queue["url"]] = queues._data.pop(
            (account, its_region, url)
        )


def on_persistence(*, restored: Callable[[], None], stopping: Callable[[], None]) -> None:
    """Call `restored` when all services have read their records, and `stopping` at the end."""
    load = ministack._load_persisted_state

    def load_and_tell() -> None:
        load()
        restored()

    ministack._load_persisted_state = load_and_tell
    ministack.save_all = lambda _services: stopping()


def _write_objects() -> None:
    """Write what S3 could not write before: it keeps it in memory, and answers from there."""
    for (account, bucket), record in list(s3._buckets._data.items()):
        for key, found in list(record["objects"].items()):
            if found.get("body") is not None:
                with scope(account, region()):
                    s3._persist_object(bucket, key, found)
                if found["body"] is not None:
                    raise OSError(f"s3://{bucket}/{key} cannot be written to the disk")
    for (account, (bucket, key)), versions in list(s3._object_versions._data.items()):
        for version in versions[:-1]:
            _write_version(account, bucket, key, version)


def _write_version(account: str, bucket: str, key: str, version: dict[str, Any]) -> None:
    body, name = version.get("data"), version["version_id"]
    if body is not None and not s3._version_file_exists(bucket, key, name, account):
        path = s3._version_disk_path(bucket, key, name, account)
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        s3._atomic_write(path, body)
        version["data"] = None  # S3 reads it from there
