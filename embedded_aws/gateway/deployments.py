"""Deployments of REST APIs: a stage answers as its deployment was made, whatever changes after it.

ministack answers as the API is at the moment, with the gateway responses of the deployment. Here a
deployment's record has the rest of the API too, so that it is saved and deleted with the record.
A stage's own settings, usage plans and functions are those of the moment, as on AWS.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from embedded_aws.core.emulator import Json, ScopedStore, gateway, scope

_SNAPSHOT = "snapshot"  # of a deployment's record

# The API that a stage is asked of, and its records as they were deployed.
_asked: ContextVar[tuple[str, Json]] = ContextVar("asked", default=("", {}))
_stores: dict[str, "_AsDeployed"] = {}


class _AsDeployed(ScopedStore):  # type: ignore[misc] # ministack has no types
    """A store from which a stage reads what its deployment has, everybody else what there is."""

    def __init__(self, name: str, live: Any) -> None:
        self._data = live._data
        self._name = name
        _stores[name] = self

    def get(self, key: str, default: Any = None) -> Any:
        api_id, snapshot = _asked.get()
        if key == api_id and self._name in snapshot:
            return snapshot[self._name]
        return super().get(key, default)


def install() -> None:
    """Keep what a deployment has, and answer the requests of stages by it."""
    gateway._rest_apis = _AsDeployed("api", gateway._rest_apis)
    gateway._resources = _AsDeployed("resources", gateway._resources)
    gateway._authorizers_v1 = _AsDeployed("authorizers", gateway._authorizers_v1)
    gateway._models = _AsDeployed("models", gateway._models)
    gateway._request_validators = _AsDeployed("validators", gateway._request_validators)
    gateway._create_deployment = _keeping(gateway._create_deployment)
    gateway._handle_execute_in_scope = _of_a_stage(gateway._handle_execute_in_scope)
    gateway.method_authorization_type = _of_its_stage(gateway.method_authorization_type)


def _keeping(create: Callable[[str, Json], Any]) -> Callable[[str, Json], Any]:
    def create_and_keep(api_id: str, data: Json) -> Any:
        before = set(gateway._deployments_v1.get(api_id, {}))
        answer = create(api_id, data)
        for deployment, record in gateway._deployments_v1.get(api_id, {}).items():
            if deployment not in before:
                live = {name: store.get(api_id, {}) for name, store in _stores.items()}
                record[_SNAPSHOT] = copy.deepcopy(live)
        return answer

    return create_and_keep


def _of_a_stage(handle: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_of_stage(api_id: str, stage_name: str, *request: Any) -> Any:
        with _as_deployed(api_id, stage_name):
            return await handle(api_id, stage_name, *request)

    return handle_of_stage


def _of_its_stage(find: Callable[..., Any]) -> Callable[..., Any]:
    def find_of_stage(api_id: str, stage_name: str, *request: Any) -> Any:
        owner = gateway.find_api_scope(api_id)
        if owner is None:
            return None
        with scope(*owner), _as_deployed(api_id, stage_name):
            return find(api_id, stage_name, *request)

    return find_of_stage


@contextmanager
def _as_deployed(api_id: str, stage_name: str) -> Iterator[None]:
    stage = gateway._stages_v1.get(api_id, {}).get(stage_name, {})
    deployment = gateway._deployments_v1.get(api_id, {}).get(stage.get("deploymentId"), {})
    token = _asked.set((api_id, deployment.get(_SNAPSHOT, {})))
    try:
        yield
    finally:
        _asked.reset(token)
