"""The configuration of an environment, checked as one whole."""

from dataclasses import dataclass, field
from typing import Annotated

import aws_cdk as cdk

from sagemaker_llm import (
    ApiSettings,
    CatalogEntry,
    FunctionTarget,
    GuardedUpdates,
    Image,
    LogKeeping,
    Reservation,
    Sizing,
    TargetTracking,
    TuningSettings,
)
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.api.proxy import check_function_target
from sagemaker_llm.common.log_keeping import check_removal_policy
from sagemaker_llm.models.checked import Checked, Pattern, RefusedValueError
from sagemaker_llm.models.images import registry_account
from sagemaker_llm.serving.components import check_components

from .derived import check_derived
from .regions import check_region

_ACCOUNT = Pattern(r"[0-9]{12}", "12 digits")


@dataclass(frozen=True, kw_only=True)
class Environment(Checked):
    """The configuration of one environment; without account and region it deploys to any."""

    account: Annotated[str, _ACCOUNT] | None  # the one in accounts.toml; None: the credentials'
    region: str | None  # as for the account
    model: CatalogEntry  # of the catalog, or an entry of your own
    instance_type: str  # of the endpoint, one that the model's server runs on
    scaling: TargetTracking
    api: ApiSettings
    # None: the environment fine-tunes nothing, and has no stack `Training`.
    tuning: TuningSettings | None
    log_keeping: LogKeeping
    # What becomes of buckets, their key, and the registry's group when the stack is deleted.
    data_removal_policy: cdk.RemovalPolicy
    # CloudFormation then refuses to delete a stack, until the protection is removed.
    termination_protection: bool = False
    updates: GuardedUpdates = field(default_factory=GuardedUpdates)
    # None: the server's own image. Set it to pin a digest: see `make image`.
    serving_image: Image | None = None
    # Allows a region that is not in `KNOWN_REGIONS`. It may lack an image, the layer, the weights
    # or the instances: `make preflight` checks.
    allow_unlisted_region: bool = False
    function_target: FunctionTarget = FunctionTarget.AWS
    # What follows from the declared load; None: no load is declared, all numbers are chosen.
    sizing: Sizing | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_location()
        check_removal_policy("data_removal_policy", self.data_removal_policy)
        self.model.server.check_instance_type(self.model, self.instance_type)
        self.model.server.check_image(self.model, self.image, self.instance_type)
        self.scaling.check_limits(self.model.limits)
        self.updates.chosen(self.scaling)
        if self.model.server.adapters:
            check_components(self.scaling, self.updates)
        reserved_concurrency(self.api, self.max_concurrent_requests)
        if self.tuning:
            self.tuning.check_model(self.model, self.instance_type)
        check_function_target(self.model, self.function_target, self.api.hosting)
        self.api.check_model(self.model)
        if self.sizing:
            check_derived(self, self.sizing)

    @property
    def image(self) -> Image:
        """The image that the endpoint runs."""
        return self.serving_image or self.model.server.image_for(self.instance_type)

    @property
    def max_concurrent_requests(self) -> int:
        """The requests that the endpoint admits at once when it is at its largest."""
        return self.scaling.max_instances * self.model.limits.max_concurrent_requests

    @property
    def endpoint_quota(self) -> int:
        """The instances that SageMaker's quota for endpoint usage must allow, updates included."""
        return self.updates.endpoint_quota(self.scaling)

    @property
    def reserves_concurrency(self) -> bool:
        """Whether the functions reserve a share of the account's Lambda concurrency."""
        return self.api.reserved_concurrency is not Reservation.NONE

    def _check_location(self) -> None:
        if (self.account is None) != (self.region is None):
            raise RefusedValueError(
                "account and region must be given together or not at all,"
                f" got {self.account!r} and {self.region!r}"
            )
        if self.region is not None:
            registry_account(self.region, self.image)
            if not self.allow_unlisted_region:
                check_region(self.region)
