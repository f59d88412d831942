"""The function behind the REST API: the proxy, a web application that streams."""

import json

import aws_cdk as cdk
import aws_cdk.aws_lambda as lambda_
from constructs import Construct

from allowed_values.rules import RefusedValueError
from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import LogKeeping
from sagemaker_llm.common.packaged_function import PackagedFunction
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.prompts import Tokenizer
from sagemaker_llm.models.weights import FileWeights, PackagedWeights
from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.sizing.formula.nearest import MAX_STREAM_SECONDS
from sagemaker_llm.sizing.hosting import Hosting, ManagedInstances, OnDemand
from sagemaker_llm.sizing.sizing import Sizing

from . import web_adapter
from .managed.capacity import ManagedCapacity
from .settings import ApiSettings

# The function outlives SageMaker's stream, to tell the client that it was cut, and API Gateway
# outlives the function: the innermost timeout always comes first. No declared load makes them
# shorter, as a client may ask for longer answers.
FUNCTION_TIMEOUT = cdk.Duration.seconds(MAX_STREAM_SECONDS + 10)
INTEGRATION_TIMEOUT = cdk.Duration.seconds(MAX_STREAM_SECONDS + 20)


class ProxyFunction(Construct):
    """Owns the proxy's function, configured for the endpoint's model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: LlmEndpoint,
        settings: ApiSettings,
        target: FunctionTarget,
        log_keeping: LogKeeping,
        reserved_concurrency: int | None,
        sizing: Sizing | None,
    ) -> None:
        super().__init__(scope, construct_id)
        check_function_target(endpoint.model, target, settings.hosting)
        settings.check_model(endpoint.model)
        hosting = settings.hosting
        is_managed = isinstance(hosting, ManagedInstances)
        layer_arn = web_adapter.layer_arn(cdk.Stack.of(self).region)
        packaged = PackagedFunction(
            self,
            "Default",
            package="invoke_proxy",
            target=target,
            handler="run.sh",
            description="OpenAI's and TGI's API over the model's endpoint",
            environment={
                **_environment(cdk.Stack.of(self), endpoint, settings),
                **(_planned(sizing) if sizing else {}),
            },
            layers=[lambda_.LayerVersion.from_layer_version_arn(self, "WebAdapter", layer_arn)],
            log_keeping=log_keeping,
            memory_mib=hosting.memory_mib,
            timeout=FUNCTION_TIMEOUT,
            reserved_concurrency=reserved_concurrency,
            snap_start=_snap_starts(hosting),
            version_of=endpoint.endpoint_name,
            # Lambda refuses to move a function to managed instances, or away from them.
            function_id="Managed" if is_managed else "Function",
        )
        endpoint.grant_stream(packaged.lambda_function)
        if isinstance(hosting, ManagedInstances):
            capacity = ManagedCapacity(self, "Capacity", hosting=hosting, log_keeping=log_keeping)
            capacity.run(packaged.lambda_function)
        # A version is code and configuration together, and an alias changes both at once: an update
        # of the function itself runs new code with the old environment for seconds. Snapshots and
        # managed instances are of versions only.
        self.function = lambda_.Alias(
            self,
            # Another function's alias has another id, or the API would not be deployed again: what
            # its stage serves would call the function that is deleted.
            "LiveManaged" if is_managed else "Live",
            alias_name="live",
            version=packaged.lambda_function.current_version,
        )


def _snap_starts(hosting: Hosting) -> bool:
    return isinstance(hosting, OnDemand) and hosting.snap_start


def check_function_target(model: CatalogEntry, target: FunctionTarget, hosting: Hosting) -> None:
    """Raise ValueError for what AWS lacks and this machine has, or the other way round."""
    if target is not FunctionTarget.AWS:
        if isinstance(hosting, ManagedInstances):
            raise RefusedValueError(
                "hosting must be OnDemand() where functions run on this machine: the embedded AWS"
                " has no managed instances"
            )
        return
    if isinstance(model.weights, PackagedWeights | FileWeights):
        raise RefusedValueError(
            "model must have weights that SageMaker can fetch: those of"
            f" {model.model_id} are on this machine only, for the embedded AWS's containers"
        )
    if model.tokenizer is Tokenizer.SMOLLM2:
        raise RefusedValueError(
            f"tokenizer of {model.model_id} must be one that the functions on AWS carry, got"
            f" {model.tokenizer.value!r}, which is in those for this machine only"
        )


def _planned(sizing: Sizing) -> dict[str, str]:
    """Return what follows from the load: when to retry, and what a request is to an instance."""
    service = sizing.demand.service
    work = {
        "per_request": service.per_request,
        "per_word": service.per_word,
        "per_word_squared": service.per_word_squared,
    }
    rounded = {name: round(value, 9) for name, value in work.items()}
    return {
        "RETRY_AFTER_SECONDS": str(sizing.retry_after_seconds),
        **({"WORK": json.dumps(rounded)} if sizing.tracks_work else {}),
    }


def _environment(scope: cdk.Stack, endpoint: LlmEndpoint, settings: ApiSettings) -> dict[str, str]:
    model = endpoint.model
    components = (
        {"INFERENCE_COMPONENTS": scope.to_json_string(endpoint.components)}
        if endpoint.components
        else {}
    )
    origins = {"CORS_ORIGINS": ",".join(settings.cors_origins)} if settings.cors_origins else {}
    other = {"OTHER_SERVER": settings.other_server.name} if settings.other_server else {}
    aliases = {"MODEL_ALIASES": ",".join(settings.model_aliases)} if settings.model_aliases else {}
    return {
        **web_adapter.ENVIRONMENT,
        **(web_adapter.SNAPSTART_ENVIRONMENT if _snap_starts(settings.hosting) else {}),
        **origins,
        **aliases,
        **other,
        **components,
        "CONTROL_TOKENS": settings.control_tokens.value,
        "ENDPOINT_NAME": endpoint.endpoint_name,
        "MAX_CONCURRENT_REQUESTS": str(model.limits.max_concurrent_requests),
        "MAX_INPUT_LENGTH": str(model.limits.max_input_length),
        "MAX_TOTAL_TOKENS": str(model.limits.max_total_tokens),
        "MODEL_ID": model.model_id,
        "PLAYGROUND": str(settings.playground).lower(),
        "PROMPT_FORMAT": model.prompt_format.value,
        "SERVER": model.server.name,
        "TOKENIZER": model.tokenizer.value,
    }
