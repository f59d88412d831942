"""The callback steps that wait for an answer, by their tokens."""

import queue
import secrets
import string
from dataclasses import dataclass, field

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import ServiceError, invalid
from embedded_aws.sagemaker.pipelines.parameters import typed

_TOKEN_LENGTH = 10
_waiting: dict[str, "Callback"] = {}


@dataclass(frozen=True)
class Callback:
    """One waiting step; `answers` gets its outputs, or the reason of its failure."""

    token: str
    execution_arn: str
    outputs: list[Json]  # declared: OutputName and OutputType
    answers: queue.SimpleQueue[Json | str] = field(default_factory=queue.SimpleQueue)

    def close(self) -> None:
        """Return the token means nothing from now on."""
        _waiting.pop(self.token, None)


def open_callback(execution: str, outputs: list[Json]) -> Callback:
    """Open a callback with its own token, which `succeed` and `fail` accept until it is closed."""
    letters = string.ascii_letters + string.digits
    token = "".join(secrets.choice(letters) for _ in range(_TOKEN_LENGTH))
    _waiting[token] = Callback(token, execution, outputs)
    return _waiting[token]


def execution_arn(token: str) -> str:
    """Return the execution whose step waits with this token; raises ServiceError when none does."""
    return _get(token).execution_arn


def succeed(request: Json) -> Json:
    """SendPipelineExecutionStepSuccess."""
    callback = _get(request["CallbackToken"])
    types = {output["OutputName"]: output["OutputType"] for output in callback.outputs}
    given = {output["Name"]: output["Value"] for output in request.get("OutputParameters", [])}
    if unknown := given.keys() - types.keys():
        raise invalid(f"the step has no outputs {', '.join(sorted(unknown))}")
    callback.answers.put({name: typed(name, types[name], text) for name, text in given.items()})
    callback.close()
    return {"PipelineExecutionArn": callback.execution_arn}


def fail(request: Json) -> Json:
    """SendPipelineExecutionStepFailure."""
    callback = _get(request["CallbackToken"])
    callback.answers.put(request.get("FailureReason", "the callback step failed"))
    callback.close()
    return {"PipelineExecutionArn": callback.execution_arn}


def _get(token: str) -> Callback:
    if token not in _waiting:
        raise ServiceError("ResourceNotFound", f"No pipeline step waits with the token {token}.")
    return _waiting[token]
