"""Fine-tuning as one construct: storage, registry, release and pipeline, wired for one endpoint."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import KEPT_FOR_A_YEAR, LogKeeping
from sagemaker_llm.release.registry import ModelRegistry
from sagemaker_llm.release.release import ModelRelease
from sagemaker_llm.release.storage import TuningStorage
from sagemaker_llm.release.store import ModelStore
from sagemaker_llm.serving.endpoint import LlmEndpoint

from .duties import Duties
from .pipeline.pipeline import TuningPipeline
from .settings import TuningSettings


class FineTuning(Construct):
    """Fine-tunes an endpoint's model, and releases what passes the gate to the endpoint's stack.

    Data and models are kept or deleted with the stack as `data_removal_policy` says; there is no
    default, because either mistake is costly::

        tuning = FineTuning(
            self,
            "FineTuning",
            endpoint=endpoint,
            data_removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        tuner.add_managed_policy(tuning.duties.tuner)
        approver.add_managed_policy(tuning.duties.approver)

    The parts are public, and can be wired by hand instead. The names of the pipeline and of the
    registry's group begin with `name_prefix`, by default with the construct's path.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: LlmEndpoint,
        data_removal_policy: cdk.RemovalPolicy,
        settings: TuningSettings | None = None,
        target: FunctionTarget = FunctionTarget.AWS,
        log_keeping: LogKeeping = KEPT_FOR_A_YEAR,
        reserves_concurrency: bool = True,
        name_prefix: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.settings = settings or TuningSettings(base_model_id=endpoint.model.model_id)
        self.storage = TuningStorage(self, "Storage", removal_policy=data_removal_policy)
        self.registry = ModelRegistry(
            self,
            "Registry",
            model=endpoint.model,
            removal_policy=data_removal_policy,
            name_prefix=name_prefix,
        )
        self.storage.grant_serving(endpoint.role)
        self.release = ModelRelease(
            self,
            "Release",
            endpoint=endpoint,
            registry=self.registry,
            storage=self.storage,
            target=target,
            log_keeping=log_keeping,
            reserves_concurrency=reserves_concurrency,
        )
        self.store = ModelStore(
            self, "Store", storage=self.storage, target=target, log_keeping=log_keeping
        )
        self.pipeline = TuningPipeline(
            self,
            "FineTuning",
            settings=self.settings,
            endpoint=endpoint,
            storage=self.storage,
            registry=self.registry,
            release=self.release,
            store=self.store,
            name_prefix=name_prefix,
        )
        self.pipeline.grant_answer(self.release.function)
        self.duties = Duties(
            self, "Duties", pipeline=self.pipeline, storage=self.storage, registry=self.registry
        )
