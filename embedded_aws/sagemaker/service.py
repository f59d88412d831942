"""SageMaker's control plane, over all that other modules keep."""

from embedded_aws.core.emulator import scope
from embedded_aws.core.rpc import JsonService
from embedded_aws.sagemaker import permissions, tags
from embedded_aws.sagemaker.components import operations as components
from embedded_aws.sagemaker.hosting import endpoints as hosting_endpoints
from embedded_aws.sagemaker.hosting import models, traffic
from embedded_aws.sagemaker.hosting import records as hosting_records
from embedded_aws.sagemaker.jobs import operations as jobs
from embedded_aws.sagemaker.pipelines import executions as pipeline_executions
from embedded_aws.sagemaker.pipelines import operations as pipelines
from embedded_aws.sagemaker.registry import packages as model_registry

STORES = {
    **hosting_records.STORES,
    **jobs.STORES,
    **model_registry.STORES,
    **pipelines.STORES,
}


def resume() -> None:
    """After a restart: start the endpoints' containers again, mark what cannot go on."""
    jobs.interrupt_all()
    pipeline_executions.interrupt_all()
    for account, region_name, name in [key for key, _ in hosting_records.endpoints.all_items()]:
        with scope(account, region_name):
            hosting_endpoints.resume(name)
    for account, region_name in {key[:2] for key, _ in hosting_records.components.all_items()}:
        with scope(account, region_name):
            components.resume()


def stop_all() -> None:
    """End every container and every job; their records stay for the next start."""
    jobs.stop_all()
    traffic.stop_all()


service = JsonService(
    "sagemaker",
    {
        **models.OPERATIONS,
        **hosting_endpoints.OPERATIONS,
        **components.OPERATIONS,
        **jobs.OPERATIONS,
        **model_registry.OPERATIONS,
        **pipelines.OPERATIONS,
        **pipeline_executions.OPERATIONS,
        **tags.OPERATIONS,
    },
    permissions.required,
)
