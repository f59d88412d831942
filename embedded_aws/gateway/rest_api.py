"""API Gateway as our templates need it: what ministack drops, and response streaming."""

import logging
from contextvars import ContextVar
from typing import Any

from embedded_aws.cloudformation.provisioning import after_provisioning, before_deletion
from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, arn, functions, gateway, scope
from embedded_aws.gateway import functions as web_functions
from embedded_aws.gateway import relay as web_relay
from embedded_aws.gateway.concurrency import ThrottledError
from embedded_aws.iam.rights import may_invoke

_KEY_FIELD = "usageIdentifierKey"

_usage_identifier_key: ContextVar[str | None] = ContextVar("usage_identifier_key", default=None)

_log = logging.getLogger(__name__)


def install() -> None:
    """Complete ministack's API Gateway, in provisioning and in the data plane."""
    after_provisioning("AWS::ApiGateway::RestApi", _keep_api_key_source)
    after_provisioning("AWS::ApiGateway::RequestValidator", _keep_validator)
    after_provisioning("AWS::ApiGateway::Method", _keep_method)
    before_deletion("AWS::Lambda::Function", web_functions.function_deleted)
    before_deletion("AWS::Lambda::Version", web_functions.version_deleted)
    gateway.find_api_scope = _find_api_scope
    _take_key_from_authorizer()
    _stream_web_functions()
    _accelerate_throttles()


def _accelerate_throttles() -> None:
    """Let as many requests a second of AWS's pass as a limit says."""
    take = gateway._take_token

    def take_in_accelerated_time(slot: tuple[str, ...], limits: Json) -> bool:
        rate = float(limits.get("rateLimit") or 0) / circumstances.accelerated(1)
        passes: bool = take(
            slot, {**limits, "rateLimit": rate} if "rateLimit" in limits else limits
        )
        return passes

    gateway._take_token = take_in_accelerated_time


def allows_origins(path: str) -> bool:
    """Return whether the API at this path answers preflights, and so pages of other origins."""
    api_id = path.removeprefix("/_aws/execute-api/").partition("/")[0]
    owner = _find_api_scope(api_id)
    if owner is None:
        return False
    with scope(*owner):
        resources = gateway._resources.get(api_id, {}).values()
        return any("OPTIONS" in resource["resourceMethods"] for resource in resources)


def _find_api_scope(api_id: str) -> tuple[str, str] | None:
    """Return the account and region of an API: its id says it, whoever asks and however signed."""
    found = (key[:2] for key, _api in gateway._rest_apis.all_items() if key[2] == api_id)
    return next(found, None)


def _keep_api_key_source(api_id: str, props: Json) -> None:
    gateway._rest_apis[api_id]["apiKeySource"] = props.get("ApiKeySourceType", "HEADER")


def _keep_validator(validator_id: str, props: Json) -> None:
    gateway._request_validators.setdefault(props["RestApiId"], {})[validator_id] = {
        "id": validator_id,
        "name": props.get("Name", ""),
        "validateRequestBody": props.get("ValidateRequestBody", False),
        "validateRequestParameters": props.get("ValidateRequestParameters", False),
    }


def _keep_method(_physical_id: str, props: Json) -> None:
    resource = gateway._resources[props["RestApiId"]][props["ResourceId"]]
    method = resource["resourceMethods"][props["HttpMethod"]]
    method["requestValidatorId"] = props.get("RequestValidatorId")
    if "Integration" in props:
        mode = props["Integration"].get("ResponseTransferMode", "BUFFERED")
        method["methodIntegration"]["responseTransferMode"] = mode


def _take_key_from_authorizer() -> None:
    """`apiKeySource: AUTHORIZER`: the key is the one that the authorizer returns."""
    invoke, authorize = gateway._invoke_authorizer_lambda, gateway._authorize_request_v1
    key_from_header = gateway._api_key_from_request

    async def invoke_keeping_key(*args: Any) -> Json | None:
        result: Json | None = await invoke(*args)
        policy = (result or {}).get("body")
        if isinstance(policy, dict) and _KEY_FIELD in policy:
            # ministack caches the context with the policy, so the key travels in it.
            context = {**(policy.get("context") or {}), _KEY_FIELD: policy[_KEY_FIELD]}
            return {**(result or {}), "body": {**policy, "context": context}}
        return result

    async def authorize_taking_key(api_id: str, *args: Any) -> Any:
        error, context = await authorize(api_id, *args)
        key = (context or {}).get(_KEY_FIELD, "")
        from_authorizer = gateway._rest_apis.get(api_id, {}).get("apiKeySource") == "AUTHORIZER"
        _usage_identifier_key.set(key if from_authorizer else None)
        return error, {k: v for k, v in context.items() if k != _KEY_FIELD} if context else context

    def api_key_from_request(headers: Json) -> str:
        key = _usage_identifier_key.get()
        from_header: str = key_from_header(headers)
        return from_header if key is None else key

    gateway._invoke_authorizer_lambda = invoke_keeping_key
    gateway._authorize_request_v1 = authorize_taking_key
    gateway._api_key_from_request = api_key_from_request


def _stream_web_functions() -> None:
    """STREAM integrations, whose functions are web servers behind the Web Adapter."""
    invoke = gateway._invoke_lambda_proxy_v1

    async def invoke_streaming(
        integration: Json,
        api_id: str,
        stage_name: str,
        stage: Json,
        resource: Json,
        path: str,
        method: str,
        headers: Json,
        body: bytes,
        query: Json,
        path_params: Json,
        **more: Any,
    ) -> Any:
        request = (
            api_id,
            stage_name,
            stage,
            resource,
            path,
            method,
            headers,
            body,
            query,
            path_params,
        )
        function = integration["uri"].partition("/functions/")[2].rpartition("/")[0]
        source = arn("execute-api", f"{api_id}/{stage_name}/{method}{resource['path']}")
        if not may_invoke(function, source):
            return gateway._gw_error("INTEGRATION_FAILURE", "Internal server error")
        if integration.get("responseTransferMode") != "STREAM":
            return await invoke(integration, *request, **more)
        owner = {"account_id": more.pop("owner_account_id"), "region": more.pop("owner_region")}
        event = gateway._build_lambda_event_v1(*request, **more)
        if key := gateway._resolve_api_key(_usage_identifier_key.get()):
            event["requestContext"]["identity"]["apiKeyId"] = key["id"]
        return await _relay(integration["uri"], owner, event, body)

    gateway._invoke_lambda_proxy_v1 = invoke_streaming


async def _relay(uri: str, owner: Json, event: Json, body: bytes) -> Any:
    """Return the function's answer, or API Gateway's own, as the deployed template words it."""
    function = uri.partition("/functions/")[2].removesuffix("/response-streaming-invocations")
    record, config, name = functions._get_func_record_for_ref_in_scope(function, **owner)
    try:
        if config is None:
            raise web_functions.FunctionError(f"no function {function}")
        if not web_functions.is_web_function(config):
            raise web_functions.FunctionError(
                f"{function} streams without the Web Adapter's layer, which is not emulated"
            )
        with scope(*owner.values()):
            reserved = functions._functions[name]["concurrency"]
        return await web_relay.relay(config, record["code_zip"], reserved, event, body)
    except (web_functions.FunctionError, ThrottledError) as error:
        _log.error("%s", error)
        return gateway._gw_error("INTEGRATION_FAILURE", "Internal server error")
