"""AWS's own library for containers answers as the embedded AWS's vLLM is tested to answer.

The handlers have the decorators, and the order of them, that vLLM's have.
"""

import json
from pathlib import Path
from typing import Any

import model_hosting_container_standards.sagemaker as standards
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from embedded_aws.tests.model_server.vllm.standard_requests import REQUESTS

_LOADED: set[str] = set()
_router = APIRouter()


@_router.get("/ping", response_class=Response)
@_router.post("/ping", response_class=Response)
@standards.register_ping_handler
async def ping(_: Request) -> Response:
    return Response()


@_router.post("/invocations")
@standards.register_invocation_handler
@standards.stateful_session_manager()
@standards.inject_adapter_id("model")
async def invocations(request: Request) -> Response:
    model = (await request.json())["model"]
    return _failed(404, "no such model") if model and model not in _LOADED else _answered(model)


@standards.register_load_adapter_handler(
    request_shape={"lora_name": "body.name", "lora_path": "body.src"}
)
async def load(asked: Any, _: Request) -> Response:
    if asked.lora_name in _LOADED:
        return _failed(400, "it has already been loaded")
    _LOADED.add(asked.lora_name)
    return Response()


@standards.register_unload_adapter_handler(request_shape={"lora_name": "path_params.adapter_name"})
async def unload(asked: Any, _: Request) -> Response:
    if asked.lora_name not in _LOADED:
        return _failed(404, "it cannot be found")
    _LOADED.remove(asked.lora_name)
    return Response()


def _answered(model: str | None) -> Response:
    return Response(json.dumps({"model": model or "small"}, separators=(",", ":")))


def _failed(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message}}, status)


def test_the_library_answers_each_request_as_the_embedded_vllm_is_tested_to() -> None:
    app = FastAPI()
    app.include_router(_router)
    standards.bootstrap(app)
    client = TestClient(app)
    for asked in REQUESTS:
        content = asked.content(Path("/adapter"))
        answer = client.request(asked.method, asked.path, content=content, headers=asked.headers)
        found = (answer.status_code, asked.text in answer.text)
        assert found == (asked.status, True), (asked, answer.text)
