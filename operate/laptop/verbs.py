"""The verbs for the embedded AWS on this machine."""

from operate.verb import Verb

ON_THIS_MACHINE = (
    Verb(
        name="up",
        summary="set up, deploy into the embedded AWS, answer a prompt with a real model",
        changes="starts the embedded AWS and deploys the stage Local; its data lies in .local/",
        example="LOCAL_AWS_PORT=4570 make up",
        work="operate.laptop.up:up",
    ),
    Verb(
        name="down",
        summary="stop the embedded AWS; its data stays",
        changes="ends its processes; `up` starts them again with the same data",
        example="make down",
        work="embedded_aws.commands:stop",
    ),
    Verb(
        name="status",
        summary="show what runs and what is deployed",
        changes="nothing",
        example="make status",
        work="operate.laptop.account:status",
    ),
    Verb(
        name="logs",
        summary="print the logs of the functions, the endpoint and the embedded AWS",
        changes="nothing",
        example="make logs | tail",
        work="operate.laptop.account:logs",
    ),
    Verb(
        name="proxy",
        summary="run the proxy from its sources, with reload, against the deployed endpoint",
        changes="nothing; serves until it is interrupted",
        example="LOCAL_PROXY_PORT=8001 make proxy",
        work="operate.laptop.proxy:proxy",
    ),
)

ENV = Verb(
    name="env",
    summary="print shell variables that point AWS clients at the embedded AWS",
    changes="nothing; creates the credentials of the embedded AWS if there are none",
    example="eval \"$(python -m operate env)\" && cdk diff 'Local/*'",
    work="embedded_aws.commands:env",
)
