"""Deployments of REST APIs: a stage answers as its deployment was made, whatever changes after it.

ministack answers as the API is at the moment. A deployment keeps the resources, their methods and
integrations; authorizers and models are those of the moment here, too, and after a restart all is.
"""

import copy
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from embedded_aws.core.emulator import Json, gateway

_resources: dict[tuple[str, str], Json] = {}  # by API and deployment
_stage: ContextVar[str] = ContextVar("stage", default="")


def install() -> None:
    """Keep what a deployment has, and route the requests of stages by it."""
    gateway._create_deployment = _keeping(gateway._create_deployment)
    gateway._delete_deployment = _forgetting(gateway._delete_deployment)
    gateway._handle_execute_in_scope = _of_a_stage(gateway._handle_execute_in_scope)
    gateway._match_resource_tree = _as_deployed(gateway._match_resource_tree)


def _keeping(create: Callable[[str, Json], Any]) -> Callable[[str, Json], Any]:
    def create_and_keep(api_id: str, data: Json) -> Any:
        before = set(gateway._deployments_v1.get(api_id, {}))
        answer = create(api_id, data)
        for deployment in set(gateway._deployments_v1.get(api_id, {})) - before:
            resources = gateway._resources.get(api_id, {})
            _resources[api_id, deployment] = copy.deepcopy(resources)
        return answer

    return create_and_keep


def _forgetting(delete: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    def delete_and_forget(api_id: str, deployment: str) -> Any:
        _resources.pop((api_id, deployment), None)
        return delete(api_id, deployment)

    return delete_and_forget


def _of_a_stage(handle: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_of_stage(api_id: str, stage_name: str, *request: Any) -> Any:
        token = _stage.set(stage_name)
        try:
            return await handle(api_id, stage_name, *request)
        finally:
            _stage.reset(token)

    return handle_of_stage


def _as_deployed(match: Callable[[str, list[str]], Any]) -> Callable[[str, list[str]], Any]:
    def match_as_deployed(api_id: str, segments: list[str]) -> Any:
        stage = gateway._stages_v1.get(api_id, {}).get(_stage.get(), {})
        resources = _resources.get((api_id, stage.get("deploymentId", "")))
        root = next((r for r in (resources or {}).values() if r["path"] == "/"), None)
        if root is None:
            return match(api_id, segments)
        return (
            gateway._match_recursive(resources, root["id"], segments, {})
            if segments
            else (root, {})
        )

    return match_as_deployed
