"""The embedded AWS as one process, which `embedded_aws.host.start` prepares.

Its settings are ministack's environment variables; `embedded_aws.host.home` sets them.
"""

import asyncio
import logging
import os
import resource
import signal
import tempfile
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.autoscaling import tracking
from embedded_aws.cloudformation import descriptions as stack_descriptions
from embedded_aws.cloudformation import oidc_provider, unknown_types
from embedded_aws.cloudformation import parameters as stack_parameters
from embedded_aws.cloudformation import recovery as stack_recovery
from embedded_aws.cloudformation.provisioning import on_stack_status
from embedded_aws.cloudwatch import alarms, emf
from embedded_aws.core import clock, connections
from embedded_aws.core.emulator import (
    add_service,
    application,
    limit_function_environment,
    put_event,
)
from embedded_aws.core.gate import Gate
from embedded_aws.gateway import concurrency as emulator_concurrency
from embedded_aws.gateway import deployments as api_deployments
from embedded_aws.gateway import functions as web_functions
from embedded_aws.gateway import rest_api as apigateway
from embedded_aws.gateway import updates as function_updates
from embedded_aws.host import processes
from embedded_aws.iam import rights as emulator_rights
from embedded_aws.iam import signatures as emulator_signatures
from embedded_aws.iam import web_identity
from embedded_aws.iam.enforcement import complete_enforcement
from embedded_aws.iam.permissions import (
    bound_roles_of_stacks,
    name_sessions_by_their_role,
    treat_loopback_as_tls,
    use_random_function_credentials,
)
from embedded_aws.quotas import service as quotas
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.cloudformation import permissions as stack_permissions
from embedded_aws.sagemaker.cloudformation import resource_types
from embedded_aws.sagemaker.hosting import metrics, runtime
from embedded_aws.state import objects
from embedded_aws.state.saving import saver
from embedded_aws.state.snapshots import Snapshot, Snapshots


def install() -> None:
    """Add what ministack lacks to it."""
    endpoint = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
    own = processes.inherited_environment(tempfile.gettempdir())
    limit_function_environment({**own, **endpoint})
    treat_loopback_as_tls()
    bound_roles_of_stacks()
    use_random_function_credentials()
    complete_enforcement()
    name_sessions_by_their_role()
    web_identity.install()
    scaling = autoscaling.service
    add_service(scaling.name, scaling.handle, scaling.matches, autoscaling.STORES)
    limits = quotas.service
    add_service(limits.name, limits.handle, limits.matches, quotas.STORES)
    control = sagemaker.service
    add_service(
        control.name,
        control.handle,
        control.matches,
        sagemaker.STORES,
        restored=sagemaker.resume,
    )
    add_service("sagemaker-runtime", runtime.handle, runtime.matches)
    objects.install()
    resource_types.install()
    oidc_provider.install()
    emulator_rights.install()
    emulator_concurrency.install()
    function_updates.install()
    apigateway.install()
    api_deployments.install()
    connections.install()
    stack_recovery.install()
    stack_descriptions.install()
    stack_parameters.install()
    unknown_types.install()
    stack_permissions.install()
    emf.install()
    alarms.install()
    on_stack_status(_tell_stack_status)


def _tell_stack_status(stack_id: str, status: str, reason: str, token: str) -> None:
    detail = {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": reason},
        "client-request-token": token,
    }
    put_event("aws.cloudformation", "CloudFormation Stack Status Change", [stack_id], detail)
    if not status.endswith("_IN_PROGRESS"):
        saver.save()  # what a deploy made survives a process that is killed


async def _serve(port: str) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"

    async def stopped() -> None:
        await stopping.wait()

    gate: Any = Gate(
        saver.watch(connections.watched(application)),
        int(port),
        names_root=emulator_signatures.names_root,
        allows_origins=apigateway.allows_origins,
        failure=emulator_signatures.failure,
    )
    going_on = [
        asyncio.create_task(each)
        for each in (
            saver.keep_saving(),
            clock.repeat(metrics.publish_all, metrics.EVERY_SECONDS),
            clock.repeat(alarms.evaluate_all, alarms.EVERY_SECONDS),
            clock.repeat(tracking.follow_all, tracking.SAMPLE_SECONDS),
        )
    ]
    await serve(gate, config, shutdown_trigger=stopped)
    for task in going_on:
        task.cancel()


def _allow_many_connections() -> None:
    """Raise the limit of open files: a stream takes four of them on its way to the model."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(snapshots: Snapshots, snapshot: Snapshot | None, set_aside: list[str]) -> None:
    """Serve until SIGTERM or SIGINT, then save the state and end every child process."""
    logging.getLogger("hypercorn.access").disabled = True
    logging.getLogger("lambda").addFilter(web_functions.is_true_here)
    _allow_many_connections()
    install()
    saver.install(snapshots, snapshot, set_aside)
    try:
        asyncio.run(_serve(os.environ["GATEWAY_PORT"]))
    finally:
        web_functions.stop_all()
        sagemaker.stop_all()
