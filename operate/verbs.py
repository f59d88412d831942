"""The verbs for any environment, and all verbs in groups; each imports only what it needs."""

import shlex
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from operate.laptop.verbs import ENV, ON_THIS_MACHINE
from operate.verb import Verb, add_environment

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


def _bootstrap(arguments: Namespace) -> None:
    from operate.account.bootstrap import bootstrap

    bootstrap(_environment(arguments))


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
    )


def _rollback(arguments: Namespace) -> None:
    from operate.releases.rollback import rollback

    rollback(_environment(arguments))


def _drift(arguments: Namespace) -> None:
    from operate.releases.drift import drift

    drift(_environment(arguments))


def _stage_weights(arguments: Namespace) -> None:
    from operate.weights.staging import stage_weights

    stage_weights(_environment(arguments), arguments.source)


def _add_client(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--client",
        default="Demo",
        metavar="NAME",
        help="the client, as stacks/environments.py names it (the default: Demo)",
    )


def _add_days(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--days",
        type=int,
        default=365,
        help="a retention of CloudWatch Logs, such as 30, 90 or 365 (the default: 365)",
    )


def _add_source(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER", help="a folder instead of the hub"
    )


def _add_tuning(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="your data (the default: the mode's example)"
    )
    parser.add_argument(
        "--mode",
        choices=("instruction", "domain"),
        default="instruction",
        help="how the data is read (the default: instruction)",
    )
    parser.add_argument(
        "--fail",
        choices=("gate",),
        help="set a threshold that no model can reach, to see a refusal",
    )
    parser.add_argument(
        "--set",
        dest="values",
        type=_assignments,
        action="extend",
        default=[],
        metavar="'NAME=VALUE ...'",
        help="parameters of the pipeline, each quoted as in a shell if need be",
    )


def _assignments(text: str) -> list[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ArgumentTypeError(f"close every quote, got {text!r}") from error
    return [_assignment(word) for word in words]


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"give a parameter as NAME=VALUE, got {text!r}")
    return name, value


ON_ANY_ENVIRONMENT = (
    Verb(
        name="chat",
        summary="talk to the deployed model in the terminal",
        changes="nothing, but each answer counts against the client's quota",
        example="make chat ENV=dev CLIENT=Demo",
        run=_chat,
        add_arguments=_add_client,
    ),
    Verb(
        name="info",
        summary="print one JSON object for scripts: base_url, api_key, model, ...",
        changes="nothing",
        example="make -s info ENV=dev",
        run=_info,
        add_arguments=_add_client,
    ),
    Verb(
        name="key",
        summary="print a client's API key",
        changes="nothing",
        example="make -s key ENV=dev CLIENT=Demo",
        run=_key,
        add_arguments=_add_client,
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
        add_arguments=_add_tuning,
    ),
    Verb(
        name="rollback",
        summary="release the model that was served before",
        changes="the parameter ModelPackageArn of the stack <Stage>-Serving, and so the endpoint",
        example="make rollback ENV=dev",
        run=_rollback,
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
        add_arguments=_add_days,
    ),
    Verb(
        name="stage-weights",
        summary="bring a model's weights from the hub into the account",
        changes="uploads the weights and their inventory to the bucket of the stack"
        " <Stage>-Weights",
        example="make stage-weights ENV=dev FROM=folder",
        run=_stage_weights,
        add_arguments=_add_source,
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
        add_arguments=_add_client,
    ),
)

GROUPS = {
    "on this machine": ON_THIS_MACHINE,
    "on any environment": ON_ANY_ENVIRONMENT,
    "for scripts": FOR_SCRIPTS,
}
