"""`make up`: everything from the start of the embedded AWS to the model's first answer."""

import os
import shlex
import time
from importlib import import_module
from threading import Thread

from embedded_aws import commands
from embedded_aws.host import home
from operate.api.deployment import Deployment, find_deployment
from operate.cdk_cli import ROOT
from operate.laptop import stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli

_JOB_PYTHON = ROOT / ".venv-jobs" / "bin" / "python"
_PROMPT = "What is the capital of France? Answer in one sentence."
_ANSWER_TOKENS = 256


def up() -> None:
    """Start, bootstrap, deploy, and answer one prompt."""
    began = time.monotonic()
    home.enter_environment()
    # The packages of the jobs' image are installed here.
    os.environ.setdefault("LOCAL_AWS_JOB_PYTHON", str(_JOB_PYTHON))
    with only_cli() as cli, cli.synthesis(stage.STAGE) as synthesis:
        _step(1, f"the embedded AWS on {home.endpoint_url()}, and synth beside it")
        commands.start()
        local = local_environment()
        _step(2, "CDK bootstrap")
        stage.bootstrap(cli, local)
        _step(3, "cdk deploy of the stage `local`")
        if synthesis.wait():
            raise SystemExit("the synth failed: see above")
        # OpenAI's client takes a second to import: it has one while the CDK CLI deploys.
        Thread(target=import_module, args=("operate.api.answers",)).start()
        stage.deploy(cli, local)
    _step(4, "a prompt through API Gateway, the proxy and the SageMaker endpoint")
    deployed = find_deployment(local)
    _answer(deployed)
    print(_ready_text(deployed, time.monotonic() - began))


def _step(number: int, text: str) -> None:
    print(f"\n[{number}/4] {text}", flush=True)


def _answer(deployed: Deployment) -> None:
    from operate.api.answers import AnswerError, connect, print_answer  # noqa: PLC0415 - as said above

    print(f"> {_PROMPT}")
    messages = [{"role": "user", "content": _PROMPT}]
    request = {"model": deployed.model, "messages": messages, "max_tokens": _ANSWER_TOKENS}
    try:
        print_answer(connect(deployed), request)
    except AnswerError as error:
        raise SystemExit(f"{error}; `make logs` shows more") from error


def _ready_text(deployed: Deployment, seconds: float) -> str:
    return f"""
Ready in {seconds:.0f} s. Base URL: {deployed.base_url}
The key: make -s info | python3 -c 'import json, sys; print(json.load(sys.stdin)["api_key"])'

curl -N {deployed.base_url}/v1/chat/completions \\
  -H {shlex.quote(f"Authorization: Bearer {deployed.api_key}")} \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "{deployed.model}", "stream": true,
       "messages": [{{"role": "user", "content": "Say hello."}}]}}'

from openai import OpenAI
client = OpenAI(base_url="{deployed.base_url}/v1", api_key="{deployed.api_key}")
answer = client.chat.completions.create(
    model="{deployed.model}", messages=[{{"role": "user", "content": "Say hello."}}])
print(answer.choices[0].message.content)

make chat talks to it, make logs shows what happens, make down stops it and keeps its data."""
