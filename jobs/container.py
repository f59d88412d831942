"""The SageMaker container contract that all jobs share: where files lie, how a failure is told."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from allowed_values.rules import RefusedValueError

_REASON_BYTES = 1024  # what SageMaker keeps of ExitMessage and FailureReason


class JobError(Exception):
    """The job cannot go on; the text is the reason that SageMaker shows."""


def processing_root() -> Path:
    """Return /opt/ml/processing, or what stands for it."""
    return Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))


def processing_message_file() -> Path:
    """Return the file whose text becomes a processing job's ExitMessage."""
    return processing_root().parent / "output" / "message"


def training_root() -> Path:
    """Return /opt/ml, or what stands for it."""
    return Path(os.environ.get("TRAINING_ROOT", "/opt/ml"))


def training_failure_file() -> Path:
    """Return the file whose text becomes a training job's FailureReason."""
    return training_root() / "output" / "failure"


def run_job(job: Callable[[], None], reason_file: Path) -> int:
    """Run a job and return its exit status; why it failed goes to `reason_file` and stderr."""
    try:
        job()
    except (JobError, RefusedValueError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, SageMaker must show it
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
    else:
        return 0
    sys.stderr.write(f"{reason}\n")
    # Of several processes the first knows why; the others only miss it.
    if not reason_file.exists():
        reason_file.parent.mkdir(parents=True, exist_ok=True)
        # Cut between characters: SageMaker refuses a message that is not UTF-8.
        reason_file.write_bytes(
            reason.encode(errors="replace")[:_REASON_BYTES].decode(errors="ignore").encode()
        )
    return 1
