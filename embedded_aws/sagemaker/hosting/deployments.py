"""Deployments of endpoints: a new fleet starts, takes over the traffic, and the old one goes.

The endpoint whose deployment fails returns to what served before, as on AWS.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, scope
from embedded_aws.core.rpc import ServiceError, now
from embedded_aws.iam.permissions import role_may
from embedded_aws.sagemaker.hosting import fleets, guardrails, traffic
from embedded_aws.sagemaker.hosting.containers import Container, ContainerError
from embedded_aws.sagemaker.hosting.guardrails import Plan, RollbackError
from embedded_aws.sagemaker.hosting.records import HOSTS, STUCK, configs, endpoints, get, models
from embedded_aws.sagemaker.hosting.traffic import Key
from embedded_aws.state.saving import saver

DEFAULT_HEALTH_CHECK_SECONDS = 600


class _StuckError(Exception):
    """An update that failed, and whose way back failed, too."""


_KNOWN = (_StuckError, ContainerError, ServiceError, RollbackError, fleets.CapacityError)
_threads: dict[Key, threading.Thread] = {}


def start(name: str, config_name: str, plan: Plan) -> None:
    """Deploy the last of the endpoint's fleets with a configuration, behind the caller's back."""
    _start(name, lambda key: _deploy(key, config_name, plan))


def resize(name: str) -> None:
    """Give the endpoint as many instances as are desired."""
    _start(name, _resize)


def wait_until_settled(name: str) -> Json:
    """Block until the endpoint's newest deployment has ended, and return the endpoint's record."""
    _threads[traffic.key_of(name)].join()
    return get(endpoints, "endpoint", name)


def _start(name: str, run: Callable[[Key], None]) -> None:
    key = traffic.key_of(name)
    thread = threading.Thread(target=_settle, args=(key, run), daemon=True)
    _threads[key] = thread
    thread.start()


def _settle(key: Key, run: Callable[[Key], None]) -> None:
    account, region_name, name = key
    with scope(account, region_name):
        record = endpoints[name]
        try:
            run(key)
        except Exception as error:  # noqa: BLE001 - whatever it is, the endpoint must not stay Creating
            _fail(key, error)
        record["LastModifiedTime"] = now()
        saver.note_change()


def _fail(key: Key, error: Exception) -> None:
    record = endpoints[key[2]]
    serves = traffic.serving(key) is not None or HOSTS in record
    if isinstance(error, _StuckError):
        record[STUCK] = True
    fleets.roll_back(record, serves=serves)
    record.pop("FailureReason", None)
    tells = True
    with suppress(circumstances.CircumstancesError):  # which may be what failed
        tells = circumstances.current().failure_reasons
    if STUCK in record or not serves or tells:
        known = isinstance(error, _KNOWN)
        record["FailureReason"] = str(error) if known else f"{type(error).__name__}: {error}"
    # At once: whoever waits for the update reads a status that is settled.
    settled = "UpdateRollbackFailed" if STUCK in record else "InService"
    record["EndpointStatus"] = settled if serves else "Failed"


def _deploy(key: Key, config_name: str, plan: Plan) -> None:
    record, config = endpoints[key[2]], get(configs, "endpoint-config", config_name)
    variant = config["ProductionVariants"][0]
    fleets.check_capacity(variant["InstanceType"])
    if "ModelName" in variant:
        _replace_container(key, config, plan)
    else:
        _check_volume_key(config, config["ExecutionRoleArn"])
        record[HOSTS] = True
    for gone in ("FailureReason", STUCK):
        record.pop(gone, None)
    fleets.finish(record)
    record.update(EndpointStatus="InService", EndpointConfigName=config_name)


def _replace_container(key: Key, config: Json, plan: Plan) -> None:
    record = endpoints[key[2]]
    new = _healthy_container(key[2], config)
    old = traffic.serving(key)
    if old:
        try:
            _shift(key, old, new, plan)
        except BaseException:
            record["EndpointStatus"] = "RollingBack"
            traffic.route(key, (old, 1.0))
            traffic.retire(new)
            if plan.batch:
                _start_again(key, old)
            raise
    traffic.route(key, (new, 1.0))
    if old:
        traffic.retire(old)


def _start_again(key: Key, old: Container) -> None:
    """Start what served before in the place of the instances that a rolling update has replaced.

    They pull its image and read its weights with what the role may do by now.
    """
    name = key[2]
    try:
        config = get(configs, "endpoint-config", endpoints[name]["EndpointConfigName"])
        again = _healthy_container(name, config)
    except (ContainerError, ServiceError) as error:
        raise _StuckError(f"the rollback failed: {error}") from error
    traffic.route(key, (again, 1.0))
    traffic.retire(old)


def _shift(key: Key, old: Container, new: Container, plan: Plan) -> None:
    record = endpoints[key[2]]
    for share in plan.shares:
        if plan.batch:
            fleets.replace(record, share, plan.batch)
        traffic.route(key, (old, 1.0 - share), (new, share))
        guardrails.bake(plan.wait_seconds, plan.alarms, new.role_arn)
    # Unverified: that the alarms are watched in this wait too, as AWS's example of an update all at
    # once has no other; look at the status while an alarm is set during the first such update.
    guardrails.bake(plan.termination_wait_seconds, plan.alarms, new.role_arn)


def _healthy_container(endpoint_name: str, config: Json) -> Container:
    variant = config["ProductionVariants"][0]
    model = get(models, "model", variant["ModelName"])
    _check_volume_key(config, model.get("ExecutionRoleArn", ""))
    container = Container(model, f"/aws/sagemaker/Endpoints/{endpoint_name}", variant)
    container.wait_until_healthy(
        variant.get("ContainerStartupHealthCheckTimeoutInSeconds", DEFAULT_HEALTH_CHECK_SECONDS)
    )
    return container


def _check_volume_key(config: Json, role_arn: str) -> None:
    """Raise ContainerError unless the role may lend the key to the storage of its instances."""
    if (key_arn := config.get("KmsKeyId")) is None:
        return
    granted = {"kms:GrantIsForAWSResource": "true"}
    for action, context in (("kms:DescribeKey", {}), ("kms:CreateGrant", granted)):
        if not role_may(role_arn, action, key_arn, context):
            raise ContainerError(f"{role_arn} may not {action} on {key_arn}")


def _resize(key: Key) -> None:
    record = endpoints[key[2]]
    for seconds in fleets.resize(record):
        time.sleep(circumstances.accelerated(seconds))
    record["EndpointStatus"] = "InService"
