"""Every name of ministack that the embedded AWS builds on: a new version must fail here first."""

import ast
import inspect
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ministack import app
from ministack.core import (
    iam_actions,
    iam_evaluator,
    lambda_runtime,
    persistence,
    responses,
    router,
    sigv4,
)
from ministack.services import (
    apigateway_v1,
    cloudformation,
    cloudwatch,
    cloudwatch_logs,
    eventbridge,
    iam,
    kms,
    lambda_svc,
    s3,
    sqs,
    ssm,
    sts,
)
from ministack.services.cloudformation import changesets, handlers, helpers, provisioners, stacks

from embedded_aws.core import emulator

PACKAGE = Path(__file__).parents[2]

_Name = tuple[ModuleType, str]

# Functions, with the parameters that they begin with.
_PARAMETERS: dict[_Name, str] = {
    (app, "_credential_failure"): "service iam_action request_id denied headers",
    (app, "_enforce_data_plane"): "service iam_action headers query_params request_id resource_arn",
    (app, "_routing_params"): "method path headers body query_params",
    (app, "detect_service"): "method path headers query_params",
    (apigateway_v1, "_api_key_from_request"): "headers",
    (apigateway_v1, "_authorize_request_v1"): "api_id stage_name method_obj method request_path",
    (
        apigateway_v1,
        "_build_lambda_event_v1",
    ): "api_id stage_name stage resource request_path method headers body query_params path_params",
    (apigateway_v1, "_create_deployment"): "api_id data",
    (apigateway_v1, "_gw_error"): "response_type message",
    (apigateway_v1, "_handle_execute_in_scope"): "api_id stage_name method path headers body",
    (apigateway_v1, "find_api_scope"): "api_id",
    (apigateway_v1, "_invoke_authorizer_lambda"): "authorizer event account_id region",
    (apigateway_v1, "_invoke_lambda_proxy_v1"): "integration api_id stage_name stage resource "
    "request_path method headers body query_params path_params",
    (apigateway_v1, "method_authorization_type"): "api_id stage_name method path",
    (apigateway_v1, "_resolve_api_key"): "value",
    (apigateway_v1, "_take_token"): "slot limits",
    (app, "pin_request_origin"): "source_ip secure_transport",
    (eventbridge, "_invoke_target"): "target event rule",
    (eventbridge, "_put_events"): "data allow_aws_source",
    (iam_actions, "request_tag_context"): "service iam_action body params",
    (iam, "_boundary_policy_error"): "arn",
    (iam, "_create_oidc_provider"): "p",
    (iam_evaluator, "_action_matches"): "request_action actions not_actions",
    (iam_evaluator, "_gather_role_policies"): "role_name account_id",
    (iam_evaluator, "_permissions_boundary"): "store name account_id",
    (iam_actions, "extract_resource_arn"): "service method path headers body",
    (iam_evaluator, "_resource_policy"): "service resource_arn",
    (iam_evaluator, "combine_resource_policy"): "identity ctx policy owner_account required limits",
    (iam_evaluator, "enforce"): "access_key_id iam_action service region resource_arn "
    "service_context",
    (iam_evaluator, "evaluate_resource_policy"): "doc ctx service",
    (kms, "_resolve_key"): "key_id_or_arn",
    (kms, "key_policy_for_arn"): "resource_arn",
    (s3, "_bucket_default_sse_headers"): "bucket_name",
    (s3, "_bucket_owner_account"): "name",
    (s3, "_stored_sse_headers"): "obj",
    (sqs, "_delete_messages_for_esm"): "queue_url receipt_handles",
    (sqs, "_queue_url_for_account"): "account_id name",
    (sqs, "queue_policy_for_arn"): "queue_arn",
    (iam_evaluator, "_resolve_condition_key"): "key ctx",
    (iam_evaluator, "_service_principal_matches"): "principal service",
    (iam_evaluator, "caller_arn"): "",
    (iam_evaluator, "evaluate"): "ctx policies",
    (iam_evaluator, "AuthError"): "code message",
    (iam_evaluator, "evaluate_trust_policy"): "trust_doc caller_arn ctx",
    (iam_evaluator, "find_iam_access_key_account"): "access_key_id",
    (iam_evaluator, "is_root_access_key"): "access_key_id",
    (iam_evaluator, "resolve_credential"): "access_key_id account_id session_token",
    (lambda_runtime, "execution_credentials"): "config",
    (lambda_svc, "_emit_lambda_logs"): "func request_id",
    (lambda_svc, "execution_credentials"): "config",
    (router, "extract_access_key_id"): "headers query_params",
    (sigv4, "decode_header_value"): "value",
    (
        sigv4,
        "header_signature_failure",
    ): "signature secret method raw_path query_params headers body presigned",
    (sigv4, "parse_header_signature"): "headers",
    (sigv4, "parse_query_signature"): "query_params",
    (sigv4, "presigned_request_is_expired"): "amz_date expires",
    (sigv4, "request_time_failure"): "signature",
    (lambda_svc, "_es_encode_message"): "headers payload",
    (lambda_svc, "_provided_worker_env"): "config",
    (lambda_svc, "_execute_function"): "func event",
    (lambda_svc, "_get_func_record_for_qualifier"): "name qualifier",
    (lambda_svc, "_iter_all_esms"): "",
    (lambda_svc, "function_policy_for_arn"): "resource_arn",
    (lambda_svc, "_get_func_record_for_ref_in_scope"): "function_ref account_id region",
    (lambda_svc, "_snapstart_provision_version_async"): "name ver_record",
    (lambda_svc, "_put_function_concurrency"): "func_name data",
    (lambda_svc, "_get_account_settings"): "",
    (responses, "_account_from_sts_session"): "access_key_id",
    (responses, "request_scope"): "account_id region",
    (stacks, "_add_event"): "stack_id stack_name logical_id resource_type status reason",
    (ssm, "resolve_parameter_value"): "name_or_arn version decrypt",
    (sts, "_error"): "status code message ns",
    (sts, "handle_request"): "method path headers body query_params",
    (sts, "register_session"): "access_key session",
    (stacks, "_delete_resource"): "resource_type physical_id props",
    (stacks, "_provision_resource"): "resource_type logical_id props stack_name",
    (stacks, "_runs_on_worker_thread"): "resource_type",
    (stacks, "_sends_back_failed_update"): "resource_type",
    (stacks, "_update_resource"): "resource_type physical_id old_props new_props",
    (app, "_build_persistence_save_dict"): "",
    (app, "_load_persisted_state"): "",
    (app, "load_state"): "service",
    (persistence, "_json_default"): "obj",
    (persistence, "_json_object_hook"): "obj",
    (s3, "_atomic_write"): "fpath data",
    (s3, "_get_object"): "bucket_name key headers query_params",
    (s3, "_object_disk_path"): "bucket key",
    (s3, "_persist_displaced_version"): "bucket_name key prior_obj versioning",
    (s3, "_persist_object"): "bucket key obj",
    (s3, "_read_body"): "bucket_name key obj",
    (s3, "_version_disk_path"): "bucket key version_id account_id",
    (s3, "_version_file_exists"): "bucket_name key version_id account_id",
    (app, "save_all"): "services",
    (cloudformation, "handle_request"): "method path headers body query_params",
    (cloudformation, "load_persisted_state"): "data",
    (provisioners, "_cw_metric_alarm_record"): "name props",
    (provisioners, "_delete_resource"): "resource_type physical_id props",
    (cloudwatch, "_calc_stats"): "points",
    (cloudwatch, "_dims_key"): "dims",
    (cloudwatch, "_dispatch_alarm_actions"): "alarm old_state new_state reason",
    (cloudwatch, "_error"): "code message status use_json use_cbor",
    (cloudwatch, "_evaluate_alarm"): "alarm",
    (cloudwatch, "_evaluate_parent_alarms"): "child",
    (cloudwatch, "_put_metric_alarm"): "params cbor_data is_cbor is_json",
    (cloudwatch, "_record_history"): "alarm_name old_state new_state reason alarm_type reason_data",
    (cloudwatch, "_stat_value"): "stats stat_name points",
    (cloudwatch, "_store_datum"): "namespace name dims ts unit value values counts stat_values",
    (cloudwatch_logs, "_put_log_events"): "data",
    (helpers, "_error"): "code message",
    (helpers, "_extract_string_members"): "params prefix",
    (helpers, "_p"): "params key",
    (responses, "new_uuid"): "",
    (responses, "get_account_id"): "",
    (responses, "get_region"): "",
    (responses, "StreamingResponse"): "runner",
}

# All other names.
_NAMES: list[_Name] = [
    (app, "_loaded_modules"),
    (app, "_state_map"),
    (app, "SERVICE_HANDLERS"),
    (app, "SERVICE_REGISTRY"),
    (app, "app"),
    (apigateway_v1, "_authorizers_v1"),
    (apigateway_v1, "_deployments_v1"),
    (apigateway_v1, "_models"),
    (apigateway_v1, "_request_validators"),
    (apigateway_v1, "_resources"),
    (apigateway_v1, "_rest_apis"),
    (apigateway_v1, "_stages_v1"),
    (changesets, "_add_event"),
    (changesets, "validate_template_support"),
    (cloudformation, "_PERSISTED_STORES"),
    (cloudformation, "_stacks"),
    (cloudwatch, "_alarms"),
    (cloudwatch, "_metrics"),
    (handlers, "_ACTION_HANDLERS"),
    (handlers, "_add_event"),
    (handlers, "validate_template_support"),
    (iam, "_oidc_providers"),
    (iam, "_roles"),
    (lambda_runtime, "os"),
    (lambda_svc, "_ACCOUNT_CONCURRENCY_CAP"),
    (lambda_svc, "_functions"),
    (iam_evaluator, "CredentialResolutionError"),
    (iam_evaluator, "EvalContext"),
    (iam_evaluator, "ParsedStatement"),
    (iam_evaluator, "EvalResult"),
    (s3, "_bucket_encryption"),
    (provisioners, "_RESOURCE_HANDLERS"),
    (provisioners, "_STACK_TAG_PROPERTY"),
    (responses, "AccountRegionScopedDict"),
    (s3, "_buckets"),
    (s3, "_object_versions"),
    (s3, "logger"),
    (stacks, "CLIENT_REQUEST_TOKEN"),
]


def _id(value: _Name | str) -> str:
    return value if isinstance(value, str) else value[1]


def test_what_is_installed_is_what_the_project_pins() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    pins = dict(pin.split("==") for pin in project["dependencies"])
    assert {name: version(name) for name in pins} == pins


@pytest.mark.parametrize(("name", "parameters"), _PARAMETERS.items(), ids=_id)
def test_a_function_keeps_its_first_parameters(name: _Name, parameters: str) -> None:
    expected = parameters.split()
    assert list(inspect.signature(getattr(*name)).parameters)[: len(expected)] == expected


@pytest.mark.parametrize("name", _NAMES, ids=_id)
def test_a_name_is_there(name: _Name) -> None:
    assert hasattr(*name)


@pytest.mark.parametrize(
    "resource_type",
    ["ApiGateway::RestApi", "ApiGateway::RequestValidator", "ApiGateway::Method", "S3::Bucket"],
)
def test_a_completed_type_still_has_create_and_update(resource_type: str) -> None:
    handler = provisioners._RESOURCE_HANDLERS[f"AWS::{resource_type}"]
    assert {"create", "update"} <= handler.keys()


@pytest.mark.parametrize("module", [changesets, handlers], ids=lambda module: module.__name__)
def test_a_module_that_records_stack_events_does_it_with_the_one_function(module: Any) -> None:
    assert module._add_event is stacks._add_event


def test_every_name_in_use_is_held_here() -> None:
    sources = [file for file in PACKAGE.rglob("*.py") if "tests" not in file.parts]
    used = {name for file in sources for name in _names_used(file)}
    held = {*_NAMES, *_PARAMETERS}
    assert {f"{module.__name__}.{name}" for module, name in used ^ held} == set()


def _names_used(file: Path) -> Iterator[_Name]:
    """What a file takes of ministack's modules, which it knows by itself or from the emulator."""
    tree = ast.parse(file.read_text())
    modules = vars(emulator) if file.name == "emulator.py" else {}
    for origin, name, alias in _imports(tree):
        taken = getattr(origin, name)
        modules = {**modules, alias: taken}
        if _is_of_ministack(origin) and not _is_of_ministack(taken):
            yield origin, name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = modules.get(node.value.id)
            if isinstance(owner, ModuleType) and _is_of_ministack(owner):
                yield owner, node.attr
            elif node.value.id == "module":  # the loop in on_stack_status
                yield from ((each, node.attr) for each in (stacks, handlers, changesets))


def _imports(tree: ast.AST) -> Iterator[tuple[ModuleType, str, str]]:
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
        module = node.module or ""
        if module.partition(".")[0] == "ministack" or module == "embedded_aws.core.emulator":
            origin = import_module(module)
            yield from ((origin, name.name, name.asname or name.name) for name in node.names)


def _is_of_ministack(found: object) -> bool:
    return isinstance(found, ModuleType) and found.__name__.partition(".")[0] == "ministack"
