"""What loads behind a component's back: a base's container, or an adapter into that of its base."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from embedded_aws.core.emulator import Json, scope
from embedded_aws.core.rpc import ServiceError, now
from embedded_aws.sagemaker.components import adapters, placement
from embedded_aws.sagemaker.components.records import base_of, component, is_adapter, route_key
from embedded_aws.sagemaker.hosting import fleets, guardrails, traffic
from embedded_aws.sagemaker.hosting.containers import Container, ContainerError
from embedded_aws.sagemaker.hosting.deployments import DEFAULT_HEALTH_CHECK_SECONDS
from embedded_aws.sagemaker.hosting.guardrails import Plan, RollbackError
from embedded_aws.sagemaker.hosting.records import components, configs, endpoints, get, models
from embedded_aws.state.saving import saver

_KNOWN = (
    *(ContainerError, ServiceError, RollbackError),
    *(fleets.CapacityError, placement.PlacementError),
)
_threads: dict[traffic.Key, threading.Thread] = {}


def start(name: str) -> None:
    """Load what a component's record asks for."""
    # An adapter that is started with its base, after a restart, waits for it.
    base = base_of(component(name))
    before = _threads.get(route_key(base)) if base else None
    _start(name, _load_adapter if base else _load_base, before)


def scale(name: str) -> None:
    """Give a base as many copies as its record asks for."""
    _start(name, placement.place, None)


def _start(name: str, run: Callable[[Json], None], before: threading.Thread | None) -> None:
    key = route_key(name)
    thread = threading.Thread(target=_settle, args=(key, name, run, before), daemon=True)
    _threads[key] = thread
    thread.start()


def wait_until_settled(name: str) -> Json:
    """Block until the component's newest change has ended, and return its record."""
    _threads[route_key(name)].join()
    return component(name)


def remove(record: Json) -> None:
    """Unload what a component has loaded."""
    name = record["InferenceComponentName"]
    if not is_adapter(record):
        traffic.drop(route_key(name))
    elif (base := _container(record)) is not None:
        adapters.unload(base, name)


def _settle(
    key: traffic.Key,
    name: str,
    run: Callable[[Json], None],
    before: threading.Thread | None,
) -> None:
    account, region_name, _ = key
    if before:
        before.join()
    with scope(account, region_name):
        record = component(name)
        previous = record.pop("_Before", None)
        try:
            run(record)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stay Creating
            known = isinstance(error, _KNOWN)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            _fail(record, previous, reason)
            with suppress(*_KNOWN):
                _restore(record, run, was_there=previous is not None)
        else:
            record.pop("FailureReason", None)
            record["InferenceComponentStatus"] = "InService"
        record["LastModifiedTime"] = now()
        saver.note_change()


def _fail(record: Json, previous: Json | None, reason: str) -> None:
    """Go back to what served before; a new component fails."""
    record["FailureReason"] = reason
    record["InferenceComponentStatus"] = "Failed"
    if previous:
        record.update(previous, InferenceComponentStatus="InService")


def _restore(record: Json, run: Callable[[Json], None], *, was_there: bool) -> None:
    """Load the adapter, or run the instances for the copies, that were there before."""
    if is_adapter(record):
        if was_there:
            run(record)
    elif was_there:
        placement.place(record)
    else:
        placement.fit(record["EndpointName"])


def _load_base(record: Json) -> None:
    placement.place(record)
    name = record["InferenceComponentName"]
    model = get(models, "model", record["Specification"]["ModelName"])
    (variant,) = _config(record)["ProductionVariants"]
    new = Container(model, f"/aws/sagemaker/InferenceComponents/{name}", variant)
    startup = record["Specification"].get("StartupParameters", {})
    new.wait_until_healthy(
        startup.get("ContainerStartupHealthCheckTimeoutInSeconds", DEFAULT_HEALTH_CHECK_SECONDS)
    )
    key = route_key(name)
    new.restore = partial(_load_again, key, name, new)
    old = traffic.serving(key)
    if old:
        try:
            for each in _adapters_of(name):
                _load(each, new)
            _shift(key, record, old, new)
        except BaseException:
            traffic.route(key, (old, 1.0))
            traffic.retire(new)
            raise
    traffic.route(key, (new, 1.0))
    if old:
        traffic.retire(old)


def _shift(key: traffic.Key, record: Json, old: Container, new: Container) -> None:
    """Give the new container the traffic, copy by copy, while the alarms are watched."""
    config = record.get("DeploymentConfig", {})
    rolling = config.get("RollingUpdatePolicy")
    copies = record["RuntimeConfig"]["CopyCount"]
    plan = guardrails.plan(config, max(copies, 2)) if rolling else Plan()
    shares = plan.shares if copies > 1 else (1.0,)
    for share in shares:
        traffic.route(key, (old, 1.0 - share), (new, share))
        guardrails.bake(plan.wait_seconds, plan.alarms, new.role_arn)


def _adapters_of(name: str) -> list[Json]:
    """Return the records of a base's adapters that serve, or are about to."""
    return [
        each
        for each in list(components.values())
        if base_of(each) == name and each["InferenceComponentStatus"] != "Failed"
    ]


def _load_again(key: traffic.Key, name: str, container: Container) -> None:
    """Load the adapters of a base whose server has started again; one that cannot be has failed."""
    account, region_name, _ = key
    with scope(account, region_name):
        for each in _adapters_of(name):
            try:
                _load(each, container)
            except _KNOWN as error:
                _fail(each, None, str(error))
                saver.note_change()


def _load_adapter(record: Json) -> None:
    base = _container(record)
    if base is None:
        raise ContainerError(f"the base inference component {base_of(record)} does not serve")
    _load(record, base)


def _load(record: Json, container: Container) -> None:
    adapters.load(container, record, _config(record)["ExecutionRoleArn"])


def _config(record: Json) -> Json:
    config: Json = configs[endpoints[record["EndpointName"]]["EndpointConfigName"]]
    return config


def _container(record: Json) -> Container | None:
    return traffic.serving(route_key(base_of(record) or ""))
