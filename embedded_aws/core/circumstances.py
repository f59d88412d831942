"""What a person or a test sets of the world around the account, in one JSON file of the home.

AWS decides these for its customers; no code that is deployed can. A changed file takes effect with
the next call. `embedded_aws/README.md` lists the settings.
"""

from functools import lru_cache
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
    slow_models: dict[str, Annotated[float, msgspec.Meta(ge=0)]] = {}
    # How many seconds the containers with a setting, `NAME=value`, wait before an answer while they
    # work on others: what batches do to first tokens under load.
    slow_settings: dict[str, Annotated[float, msgspec.Meta(ge=0)]] = {}
    # How many seconds of waits, of alarms' periods and of scaling pass in one: 60 to rehearse them.
    time_scale: Annotated[float, msgspec.Meta(ge=1)] = 1
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


def accelerated(seconds: float) -> float:
    """Return how long so many seconds of AWS's take here."""
    return seconds / current().time_scale


@lru_cache(maxsize=1)
def _decoded(content: bytes) -> Circumstances:
    try:
        return msgspec.json.decode(content, type=Circumstances)
    except msgspec.DecodeError as error:
        raise CircumstancesError(f"correct {FILE}: {error}") from error
