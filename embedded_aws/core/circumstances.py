"""What a person or a test sets of the world around the account, in one JSON file of the home.

AWS decides these for its customers; no code that is deployed can. A changed file takes effect with
the next call. `embedded_aws/README.md` lists the settings.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from embedded_aws.host import home

FILE = home.HOME / "circumstances.json"


class CircumstancesError(Exception):
    """A file that says what the embedded AWS does not know."""


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public RSA key of an issuer of tokens, as its JSON Web Key Set has it."""

    kid: str
    n: str
    e: str


_Milliseconds = Annotated[float, msgspec.Meta(ge=0)]
_Seconds = Annotated[float, msgspec.Meta(ge=0)]


class ServiceModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an instance takes: a step of b requests `step + per_request b`.

    A prompt of w words stops its batch for `per_word w + per_word_squared w^2`. Prompts are let in
    after every `admission_steps`, and each token of an answer stands for as many as come in
    `steps_a_token`, a multiple: so few events stand for long answers.
    """

    step: Annotated[float, msgspec.Meta(gt=0)]
    per_request: _Milliseconds
    per_word: _Milliseconds
    per_word_squared: _Milliseconds = 0.0
    admission_steps: Annotated[int, msgspec.Meta(ge=1)] = 1
    steps_a_token: Annotated[int, msgspec.Meta(ge=1)] = 1


class Circumstances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings; each default is what a laptop is used for."""

    # A "new" account has the quotas that AWS gives it, an "established" one has had them raised.
    account: Literal["new", "established"] = "established"
    # The other accounts: the access key of each one's root is its number, with the home's secret.
    accounts: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9]{12}$")], ...] = ()
    # The keys of the issuers of web identities, by URL: AWS would fetch them from there.
    identity_providers: dict[str, tuple[SigningKey, ...]] = {}
    # What becomes of a request for a higher quota: AWS approves small ones at once.
    quota_requests: Literal["approved", "pending"] = "approved"
    # The share of calls of SageMaker's and other control planes that AWS throttles.
    throttled_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0
    # Instance types of which AWS has none at the moment.
    no_capacity: tuple[str, ...] = ()
    # Instance types whose spot instances AWS takes back, and gives to no job.
    no_spot_capacity: tuple[str, ...] = ()
    # How many seconds the containers of models wait before each answer, by HF_MODEL_ID or S3 URI.
    slow_models: dict[str, _Seconds] = {}
    # How many seconds the containers with a setting, `NAME=value`, wait before an answer while they
    # work on others: what batches do to first tokens under load.
    slow_settings: dict[str, _Seconds] = {}
    # What answers for every model that starts then, instead of a model: each instance as fast as
    # this says, `time_scale` times faster. It needs no weights.
    service_model: ServiceModel | None = None
    # How long an instance that scaling adds takes to start, at random between the two.
    instance_start_seconds: tuple[_Seconds, _Seconds] = (0.0, 0.0)
    # How many seconds of waits, of alarms' periods, of throttles and of scaling pass in one: 60 to
    # rehearse them.
    time_scale: Annotated[float, msgspec.Meta(ge=1)] = 1
    # What time it is for scheduled actions when the file is written; by default this machine's.
    clock: datetime | None = None
    # Whether an endpoint whose update failed says why, which on AWS it does not always.
    failure_reasons: bool = True
    # Whether UpdateEndpoint takes the configuration that the endpoint has; reports differ.
    in_use_configuration: Literal["accepted", "refused"] = "accepted"
    # In which state new model packages are, and stay: AWS validates some of them first.
    package_status: Literal["Pending", "InProgress", "Completed", "Failed"] = "Completed"
    # Whether SageMaker maintains the endpoints in service: they are SystemUpdating.
    maintenance: bool = False


def current() -> Circumstances:
    """Return the circumstances as the file has them now; raises CircumstancesError."""
    try:
        return _decoded(FILE.read_bytes())
    except FileNotFoundError:
        return Circumstances()


def write(file: Path, settings: Mapping[str, object]) -> None:
    """Replace the file whole: what runs reads it at any moment."""
    written = file.with_suffix(".new")
    written.write_text(json.dumps(settings))
    written.replace(file)


def accelerated(seconds: float) -> float:
    """Return how long so many seconds of AWS's take here."""
    return seconds / current().time_scale


def now() -> datetime:
    """Return AWS's time, by which scheduled actions are due."""
    settings = current()
    if settings.clock is None:
        return datetime.now(UTC)
    passed = time.time() - FILE.stat().st_mtime
    return settings.clock.astimezone(UTC) + timedelta(seconds=settings.time_scale * passed)


@lru_cache(maxsize=1)
def _decoded(content: bytes) -> Circumstances:
    try:
        return msgspec.json.decode(content, type=Circumstances)
    except msgspec.DecodeError as error:
        raise CircumstancesError(f"correct {FILE}: {error}") from error
