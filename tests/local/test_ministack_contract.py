"""Every private name of ministack that local/ builds on: a new version must fail here first."""

import ast
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, responses
from ministack.services import apigateway_v1, eventbridge, iam, lambda_svc, sts
from ministack.services.cloudformation import changesets, handlers, provisioners, stacks

ROOT = Path(__file__).parents[2]

_PARAMETERS = {
    app._enforce_data_plane: "service iam_action headers query_params request_id resource_arn",
    app.detect_service: "method path headers query_params",
    apigateway_v1._api_key_from_request: "headers",
    apigateway_v1._authorize_request_v1: "api_id stage_name method_obj method request_path",
    apigateway_v1._build_lambda_event_v1: "api_id stage_name stage resource request_path method "
    "headers body query_params path_params",
    apigateway_v1._gw_error: "response_type message",
    apigateway_v1._invoke_authorizer_lambda: "authorizer event account_id region",
    apigateway_v1._invoke_lambda_proxy_v1: "integration api_id stage_name stage resource "
    "request_path method headers body query_params path_params",
    apigateway_v1._resolve_api_key: "value",
    app.pin_request_origin: "source_ip secure_transport",
    eventbridge._put_events: "data allow_aws_source",
    iam_evaluator._service_principal_matches: "principal service",
    iam_evaluator.evaluate_trust_policy: "trust_doc caller_arn ctx",
    lambda_runtime.execution_credentials: "config",
    lambda_svc._es_encode_message: "headers payload",
    lambda_svc._get_func_record_for_ref_in_scope: "function_ref account_id region",
    responses.request_scope: "account_id region",
    stacks._add_event: "stack_id stack_name logical_id resource_type status reason",
    sts.register_session: "access_key session",
    stacks._runs_on_worker_thread: "resource_type",
}

_STORES = {
    app: ["_loaded_modules", "_state_map", "SERVICE_HANDLERS", "SERVICE_REGISTRY", "AUTH"],
    apigateway_v1: ["_request_validators", "_resources", "_rest_apis"],
    iam: ["_roles"],
    iam_evaluator: ["EvalContext"],
    provisioners: ["_RESOURCE_HANDLERS"],
    stacks: ["CLIENT_REQUEST_TOKEN"],
}


def test_ministack_is_the_version_that_requirements_pin() -> None:
    pins = (ROOT / "requirements-dev.txt").read_text()
    (pinned,) = re.findall(r"^ministack==(\S+)", pins, flags=re.MULTILINE)
    assert version("ministack") == pinned


@pytest.mark.parametrize("function", _PARAMETERS, ids=lambda f: f.__name__)
def test_a_function_keeps_its_first_parameters(function: Any) -> None:
    expected = _PARAMETERS[function].split()
    assert list(inspect.signature(function).parameters)[: len(expected)] == expected


@pytest.mark.parametrize(("module", "names"), _STORES.items(), ids=lambda v: str(v)[:40])
def test_a_store_keeps_its_name(module: object, names: list[str]) -> None:
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize("resource_type", ["RestApi", "RequestValidator", "Method"])
def test_a_completed_type_still_has_create_and_update(resource_type: str) -> None:
    handler = provisioners._RESOURCE_HANDLERS[f"AWS::ApiGateway::{resource_type}"]
    assert {"create", "update"} <= handler.keys()


@pytest.mark.parametrize("module", [changesets, handlers], ids=lambda module: module.__name__)
def test_a_module_that_records_stack_events_does_it_with_the_one_function(module: Any) -> None:
    assert module._add_event is stacks._add_event


def test_every_private_name_in_use_is_held_here() -> None:
    held = {f.__name__ for f in _PARAMETERS} | {n for names in _STORES.values() for n in names}
    used = set()
    for source in (ROOT / "local").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = node.value.id
                modules = {
                    "ministack",
                    "gateway",
                    "functions",
                    "lambda_svc",
                    "provisioners",
                    "stacks",
                    "eventbridge",
                    "iam",
                    "iam_evaluator",
                    "sts",
                }
                if owner in modules and node.attr.startswith("_"):
                    used.add(node.attr)
    assert used
    assert used <= held, f"add to this test: {sorted(used - held)}"
