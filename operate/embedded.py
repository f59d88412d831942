"""The verbs of the embedded AWS with our stage in it."""

import os
import shlex
import sys
import time

from embedded_aws import commands
from embedded_aws.host import control, home
from operate import chat, deployment, proxy

_JOB_PYTHON = deployment.ROOT / ".venv-jobs" / "bin" / "python"
_PROMPT = "What is the capital of France? Answer in one sentence."


def up() -> None:
    """Start, bootstrap, deploy, and answer one prompt."""
    begun = time.monotonic()
    _step(1, f"the embedded AWS on {home.ENDPOINT_URL}")
    # what is in the image of jobs is installed here
    os.environ.setdefault("LOCAL_AWS_JOB_PYTHON", str(_JOB_PYTHON))
    commands.start()
    _step(2, "CDK bootstrap")
    deployment.bootstrap()
    _step(3, "cdk deploy: build the functions, synthesize, deploy the stage `local`")
    deployment.deploy()
    _step(4, "a prompt through API Gateway, the proxy and the SageMaker endpoint")
    deployed = deployment.describe()
    print(f"> {_PROMPT}")
    try:
        chat.print_answer(deployed, [{"role": "user", "content": _PROMPT}])
    except chat.ChatError as error:
        raise SystemExit(f"{error}; `make logs` shows more") from error
    print(_ready_text(deployed, time.monotonic() - begun))


def _step(number: int, text: str) -> None:
    print(f"\n[{number}/4] {text}", flush=True)


def _ready_text(deployed: deployment.Deployment, seconds: float) -> str:
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


def status() -> None:
    """Show the server, the stacks and the endpoints."""
    _check_running()
    commands.status()


def logs() -> None:
    """Print the logs of functions and endpoints, oldest first, then the server's own."""
    _check_running()
    commands.logs()


def talk() -> None:
    """Chat with the model."""
    _check_running()
    chat.converse(deployment.describe())


def info() -> None:
    """Print one JSON object for scripts."""
    _check_running()
    print(deployment.describe().as_json())


def openai() -> None:
    """Print what a shell evaluates to turn OpenAI's clients to the deployed API."""
    _check_running()
    deployed = deployment.describe()
    no_proxy = shlex.quote(home.client_variables()["NO_PROXY"])
    base_url, key = shlex.quote(f"{deployed.base_url}/v1"), shlex.quote(deployed.api_key)
    print(f"export OPENAI_BASE_URL={base_url} OPENAI_API_KEY={key}")
    print(f"export NO_PROXY={no_proxy} no_proxy={no_proxy}")


def serve_proxy() -> None:
    """Run the proxy from its sources, with reload, against the deployed endpoint."""
    _check_running()
    proxy.serve(deployment.describe())


def _check_running() -> None:
    if control.running_pid() is None:
        raise SystemExit("the embedded AWS is not running: `make up` starts it")


VERBS = {
    "up": up,
    "down": commands.stop,
    "status": status,
    "logs": logs,
    "chat": talk,
    "info": info,
    "env": commands.env,
    "openai": openai,
    "proxy": serve_proxy,
}


def run(verb: str) -> None:
    """Run one of the verbs."""
    try:
        VERBS[verb]()
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again to go on")
