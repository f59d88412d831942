"""The verbs for any environment, and all verbs in groups; each imports only what it needs."""

from argparse import Namespace
from typing import TYPE_CHECKING

from operate.arguments import (
    add_client,
    add_days,
    add_environment,
    add_source,
    add_target,
    add_tuning,
)
from operate.laptop.verbs import ENV, ON_THIS_MACHINE
from operate.verb import Verb

if TYPE_CHECKING:
    from operate.environment import Environment


def _environment(arguments: Namespace) -> "Environment":
    if arguments.environment == "local":
        from operate.laptop.account import local_environment

        return local_environment()
    from operate.environment import shell_environment

    return shell_environment(arguments.environment)


def _chat(arguments: Namespace) -> None:
    from operate.api.chat import converse
    from operate.api.deployment import find_deployment

    converse(find_deployment(_environment(arguments), arguments.client))


def _info(arguments: Namespace) -> None:
    from operate.api.deployment import find_deployment

    print(find_deployment(_environment(arguments), arguments.client).as_json())


def _key(arguments: Namespace) -> None:
    from operate.api.keys import key_of

    print(key_of(_environment(arguments), arguments.client))


def _openai(arguments: Namespace) -> None:
    from operate.api.deployment import find_deployment, print_openai_variables

    print_openai_variables(find_deployment(_environment(arguments), arguments.client))


def _preflight(arguments: Namespace) -> None:
    from operate.preflight.declaration import plan_of
    from operate.preflight.preflight import preflight

    preflight(_environment(arguments), plan_of)


def _bootstrap(arguments: Namespace) -> None:
    from operate.account.bootstrap import bootstrap

    bootstrap(_environment(arguments))


def _cleanup(arguments: Namespace) -> None:
    from operate.account.cleanup import cleanup

    cleanup(_environment(arguments))


def _image(arguments: Namespace) -> None:
    from operate.account.images import check_images

    check_images(_environment(arguments))


def _job_logs(arguments: Namespace) -> None:
    from operate.account.job_logs import keep_job_logs

    keep_job_logs(_environment(arguments).client("logs"), arguments.days)


def _finetune(arguments: Namespace) -> None:
    from operate.tuning.finetune import finetune

    finetune(
        _environment(arguments),
        data=arguments.data,
        mode=arguments.mode,
        fail=arguments.fail,
        values=dict(arguments.values),
        execution=arguments.watch,
    )


def _rollback(arguments: Namespace) -> None:
    from operate.releases.rollback import rollback

    rollback(_environment(arguments), arguments.to)


def _repair(arguments: Namespace) -> None:
    from operate.releases.repair import repair

    repair(_environment(arguments))


def _drift(arguments: Namespace) -> None:
    from operate.releases.drift import drift

    drift(_environment(arguments))


def _stage_weights(arguments: Namespace) -> None:
    from operate.weights.staging import stage_weights

    stage_weights(_environment(arguments), arguments.source)


ON_ANY_ENVIRONMENT = (
    Verb(
        name="chat",
        summary="talk to the deployed model in the terminal",
        changes="nothing, but each answer counts against the client's quota",
        example="make chat ENV=dev CLIENT=Demo",
        run=_chat,
        add_arguments=add_client,
    ),
    Verb(
        name="info",
        summary="print one JSON object for scripts: base_url, api_key, model, ...",
        changes="nothing",
        example="make -s info ENV=dev",
        run=_info,
        add_arguments=add_client,
    ),
    Verb(
        name="key",
        summary="print a client's API key",
        changes="nothing",
        example="make -s key ENV=dev CLIENT=Demo",
        run=_key,
        add_arguments=add_client,
    ),
    Verb(
        name="preflight",
        summary="check an account before the first deployment, read-only",
        changes="nothing; exits with 1 if a row fails, with 3 if AWS left one unknown",
        example="AWS_REGION=eu-west-1 make preflight ENV=dev",
        run=_preflight,
        add_arguments=add_environment,
    ),
    Verb(
        name="bootstrap",
        summary="bootstrap the CDK, with only the permissions that deployments need",
        changes="the stack <Stage>-Bootstrap, which holds the policies of deployments, and the"
        " CDK's own stack CDKToolkit; needs an administrator",
        example="AWS_REGION=eu-west-1 make bootstrap ENV=dev",
        run=_bootstrap,
        add_arguments=add_environment,
    ),
    Verb(
        name="finetune",
        summary="fine-tune, release and ask",
        changes="uploads the data and runs the pipeline, whose model is released if it passes:"
        " at once, or after an approval",
        example='make finetune ENV=dev DATA=folder SET="epoch=3 seed=7"',
        run=_finetune,
        add_arguments=add_tuning,
    ),
    Verb(
        name="rollback",
        summary="release the model that was served before",
        changes="the parameter ModelPackageArn of the stack <Stage>-Serving, and so the endpoint;"
        " the package that was served gets a note of it",
        example="make rollback ENV=dev TO=3",
        run=_rollback,
        add_arguments=add_target,
    ),
    Verb(
        name="repair",
        summary="continue a rollback of the serving stack that failed",
        changes="the stack <Stage>-Serving, back to what it was before the failed update; it asks"
        " before it leaves a resource out",
        example="make repair ENV=dev",
        run=_repair,
        add_arguments=add_environment,
    ),
    Verb(
        name="drift",
        summary="check that the endpoint serves what its stack says",
        changes="nothing",
        example="make drift ENV=dev",
        run=_drift,
        add_arguments=add_environment,
    ),
    Verb(
        name="cleanup",
        summary="list what a destroyed environment left behind, and delete it when confirmed",
        changes="deletes, after its name is typed, the buckets with their data, the log groups, the"
        " registry and the keys that the environment's deleted stacks retained",
        example="AWS_REGION=eu-west-1 make cleanup ENV=dev",
        run=_cleanup,
        add_arguments=add_environment,
    ),
    Verb(
        name="image",
        summary="show the digests of the container images, in the registry and as deployed",
        changes="nothing",
        example="make image ENV=dev",
        run=_image,
        add_arguments=add_environment,
    ),
    Verb(
        name="job-logs",
        summary="set how many days the account keeps the logs that belong to no stack",
        changes="the retention of the log groups of SageMaker's jobs and of API Gateway's welcome,"
        " for every project in the account",
        example="make job-logs ENV=dev DAYS=365",
        run=_job_logs,
        add_arguments=add_days,
    ),
    Verb(
        name="stage-weights",
        summary="bring a model's weights from the hub into the account",
        changes="uploads the weights and their inventory to the bucket of the stack"
        " <Stage>-Weights",
        example="make stage-weights ENV=dev FROM=folder",
        run=_stage_weights,
        add_arguments=add_source,
    ),
)

FOR_SCRIPTS = (
    ENV,
    Verb(
        name="openai",
        summary="print shell variables that point OpenAI's clients at the deployed API",
        changes="nothing",
        example='eval "$(python -m operate openai dev)" && make smoke',
        run=_openai,
        add_arguments=add_client,
    ),
)

GROUPS = {
    "on this machine": ON_THIS_MACHINE,
    "on any environment": ON_ANY_ENVIRONMENT,
    "for scripts": FOR_SCRIPTS,
}
