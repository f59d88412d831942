"""The verbs for the embedded AWS on this machine; each imports only what it needs."""

from argparse import Namespace

from operate.verb import Verb


def _up(_arguments: Namespace) -> None:
    from operate.laptop.up import up

    up()


def _down(_arguments: Namespace) -> None:
    from embedded_aws import commands

    commands.stop()


def _status(_arguments: Namespace) -> None:
    from embedded_aws import commands
    from operate.laptop.account import check_running

    check_running()
    commands.status()


def _logs(_arguments: Namespace) -> None:
    from embedded_aws import commands
    from operate.laptop.account import check_running

    check_running()
    commands.logs()


def _proxy(_arguments: Namespace) -> None:
    from operate.api.deployment import find_deployment
    from operate.laptop.account import local_environment
    from operate.laptop.proxy import serve

    serve(find_deployment(local_environment()))


def _env(_arguments: Namespace) -> None:
    from embedded_aws import commands

    commands.env()


ON_THIS_MACHINE = (
    Verb(
        name="up",
        summary="set up, deploy into the embedded AWS, answer a prompt with a real model",
        changes="starts the embedded AWS and deploys the stage Local; its data lies in .local/",
        example="LOCAL_AWS_PORT=4570 make up",
        run=_up,
    ),
    Verb(
        name="down",
        summary="stop the embedded AWS; its data stays",
        changes="ends its processes; `up` starts them again with the same data",
        example="make down",
        run=_down,
    ),
    Verb(
        name="status",
        summary="show what runs and what is deployed",
        changes="nothing",
        example="make status",
        run=_status,
    ),
    Verb(
        name="logs",
        summary="print the logs of the functions, the endpoint and the embedded AWS",
        changes="nothing",
        example="make logs | tail",
        run=_logs,
    ),
    Verb(
        name="proxy",
        summary="run the proxy from its sources, with reload, against the deployed endpoint",
        changes="nothing; serves until it is interrupted",
        example="LOCAL_PROXY_PORT=8001 make proxy",
        run=_proxy,
    ),
)

ENV = Verb(
    name="env",
    summary="print shell variables that point AWS clients at the embedded AWS",
    changes="nothing; creates the credentials of the embedded AWS if there are none",
    example="eval \"$(python -m operate env)\" && cdk diff 'Local/*'",
    run=_env,
)
