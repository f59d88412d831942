"""The verbs of the embedded AWS: `python -m local up|down|status|logs|chat|info|env|openai`."""

import argparse
import shlex
import sys
import time

from local import chat, control, deployment, home, printed_logs

_PROMPT = "What is the capital of France? Answer in one sentence."


def up() -> None:
    """Start, bootstrap, deploy, and answer one prompt."""
    begun = time.monotonic()
    _step(1, f"the embedded AWS on {home.ENDPOINT_URL}")
    if control.start():
        print("started", losses(), sep="\n", end="")
    else:
        print("already running")
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


def losses() -> str:
    """What the server found missing when it started, line by line."""
    return home.LOSSES.read_text() if home.LOSSES.exists() else ""


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


def down() -> None:
    """Stop; the data stays."""
    print(control.stop())


def status() -> None:
    """Show the server, the stacks and the endpoint."""
    pid = control.running_pid()
    if pid is None:
        raise SystemExit("the embedded AWS is not running: `make up` starts it")
    print(f"embedded AWS   running (pid {pid}) on {home.ENDPOINT_URL}")
    print(losses(), end="")
    deployed = [item for item in deployment.stacks() if item[0].startswith(f"{deployment.STAGE}-")]
    if not deployed:
        print("no stack is deployed: `make up` deploys them")
    for name, stack_status in deployed:
        print(f"{name:<14} {stack_status}")
    for name, endpoint_status in deployment.endpoints():
        print(f"endpoint       {name} {endpoint_status}")


def logs() -> None:
    """Print the logs of functions and endpoints, oldest first, then the server's own."""
    for timestamp, name, message in printed_logs.lines(deployment.client("logs")):
        at = time.strftime("%H:%M:%S", time.localtime(timestamp / 1000))
        print(f"{at} {name.rpartition('/')[2]}: {message}")
    print(f"--- {home.SERVER_LOG}")
    print("\n".join(home.SERVER_LOG.read_text().splitlines()[-50:]))


def talk() -> None:
    """Chat with the model."""
    chat.converse(deployment.describe())


def info() -> None:
    """Print one JSON object for scripts."""
    print(deployment.describe().as_json())


def env() -> None:
    """Print what a shell evaluates to turn its AWS clients to the embedded AWS."""
    for name, value in home.client_variables().items():
        print(f"export {name}={shlex.quote(value)}")


def openai() -> None:
    """Print what a shell evaluates to turn OpenAI's clients to the deployed API."""
    deployed = deployment.describe()
    no_proxy = shlex.quote(home.client_variables()["NO_PROXY"])
    base_url, key = shlex.quote(f"{deployed.base_url}/v1"), shlex.quote(deployed.api_key)
    print(f"export OPENAI_BASE_URL={base_url} OPENAI_API_KEY={key}")
    print(f"export NO_PROXY={no_proxy} no_proxy={no_proxy}")


_VERBS = {
    "up": up,
    "down": down,
    "status": status,
    "logs": logs,
    "chat": talk,
    "info": info,
    "env": env,
    "openai": openai,
}


def main() -> None:
    """Run one verb."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("verb", choices=_VERBS)
    verb = parser.parse_args().verb
    if verb not in ("up", "down", "status", "env") and control.running_pid() is None:
        raise SystemExit("the embedded AWS is not running: `make up` starts it")
    _VERBS[verb]()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again to go on")
