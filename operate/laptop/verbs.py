"""The verbs for the embedded AWS on this machine."""

from operate.laptop.arguments import add_conversion, add_own_model, add_time_scale
from operate.verb import Verb

ON_THIS_MACHINE = (
    Verb(
        name="up",
        summary="set up, deploy into the embedded AWS, answer a prompt with a real model",
        changes="starts the embedded AWS and deploys the stage Local; its data lies in .local/."
        " With MODEL it serves that GGUF file, which stays where it is; without, the packaged model"
        " again",
        example="make up MODEL=mistral-7b-instruct-v0.1.Q4_K_M.gguf ENTRY=mistral-7b-instruct",
        work="operate.laptop.up:up",
        add_arguments=add_own_model,
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
    Verb(
        name="rehearse-scaling",
        summary="rehearse a deployed plan: a ramp of load through the API, in accelerated time",
        changes="starts an embedded AWS of its own and deletes it afterwards; it writes"
        " build/plan/rehearsal.svg. The slower the machine, the smaller the time scale must be",
        example="make rehearse-scaling SCALE=10",
        work="operate.scaling.verb:rehearse_scaling",
        add_arguments=add_time_scale,
    ),
    Verb(
        name="gguf",
        summary="write a tuned model's checkpoint as one GGUF file",
        changes="writes the file; one tensor at a time is in memory",
        example="make gguf FROM=tuned-model TO=tuned.Q8_0.gguf && make up MODEL=tuned.Q8_0.gguf",
        work="operate.gguf_file.convert:gguf",
        add_arguments=add_conversion,
    ),
)

ENV = Verb(
    name="env",
    summary="print shell variables that point AWS clients at the embedded AWS",
    changes="nothing; creates the credentials of the embedded AWS if there are none",
    example="eval \"$(python -m operate env)\" && cdk diff 'Local/*'",
    work="embedded_aws.commands:env",
)
