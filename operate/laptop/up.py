"""`make up`: everything from the start of the embedded AWS to the model's first answer."""

import json
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread

from embedded_aws import commands
from embedded_aws.host import home
from operate.api.deployment import Deployment, find_deployment
from operate.cdk_cli import ROOT
from operate.laptop import own_model, stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli

_JOB_PYTHON = ROOT / ".venv-jobs" / "bin" / "python"
_ANSWER_TOKENS = 256


@dataclass(frozen=True)
class _Use:
    """How a model is asked: its first prompt, and the calls that a person pastes."""

    prompt: str
    route: str
    field: str
    text: str

    def body(self, prompt: str) -> dict[str, object]:
        """Return what a request holds beside the model's name."""
        chat = [{"role": "user", "content": prompt}]
        return {self.field: chat if self.field == "messages" else prompt}


_CHAT = _Use(
    "What is the capital of France? Answer in one sentence.",
    route="chat/completions",
    field="messages",
    text="message.content",
)
# A base model completes texts, and knows no conversation.
_COMPLETION = _Use("The capital of France is", route="completions", field="prompt", text="text")


def up(*, model: Path | None = None, entry: str | None = None) -> None:
    """Start, bootstrap, deploy, and answer one prompt.

    With `model`, that GGUF file is served as an entry of the catalog; without, the packaged model.
    """
    began = time.monotonic()
    home.enter_environment()
    own = own_model.choose(model, entry)
    for name in own_model.VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(own.variables if own else {})
    # The packages of the jobs' image are installed here.
    os.environ.setdefault("LOCAL_AWS_JOB_PYTHON", str(_JOB_PYTHON))
    with only_cli() as cli, cli.synthesis(stage.STAGE) as synthesis:
        if own:
            own.make_link()
        _step(1, f"the embedded AWS on {home.endpoint_url()}, and synth beside it")
        commands.start()
        local = local_environment()
        _step(2, "CDK bootstrap")
        if own:
            _end(synthesis)
        stage.bootstrap(cli, local, stage.policies_of_synthesized() if own else None)
        _step(3, "cdk deploy of the stage `local`")
        _end(synthesis)
        # OpenAI's client takes a second to import: it has one while the CDK CLI deploys.
        Thread(target=import_module, args=("operate.api.answers",)).start()
        stage.deploy(cli, local)
        own_model.forget_unused()
    _step(4, "a prompt through API Gateway, the proxy and the SageMaker endpoint")
    deployed = find_deployment(local)
    use = _COMPLETION if own and own.is_base else _CHAT
    _answer(deployed, use)
    print(_ready_text(deployed, use, time.monotonic() - began))


def _end(synthesis: subprocess.Popen[bytes]) -> None:
    if synthesis.wait():
        raise SystemExit("the synth failed: see above")


def _step(number: int, text: str) -> None:
    print(f"\n[{number}/4] {text}", flush=True)


def _answer(deployed: Deployment, use: _Use) -> None:
    from operate.api.answers import AnswerError, connect, print_answer  # noqa: PLC0415 - as said above

    print(f"> {use.prompt}")
    request = {"model": deployed.model, "max_tokens": _ANSWER_TOKENS, **use.body(use.prompt)}
    try:
        print_answer(connect(deployed), request)
    except AnswerError as error:
        raise SystemExit(f"{error}; `make logs` shows more") from error


def _ready_text(deployed: Deployment, use: _Use, seconds: float) -> str:
    asked = json.dumps(use.body("Say hello.")[use.field])
    return f"""
Ready in {seconds:.0f} s. Base URL: {deployed.base_url}
`make -s info` and `make -s key` print the URL and the key again.

curl -N {deployed.base_url}/v1/{use.route} \\
  -H {shlex.quote(f"Authorization: Bearer {deployed.api_key}")} \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "{deployed.model}", "stream": true,
       "{use.field}": {asked}}}'

from openai import OpenAI
client = OpenAI(base_url="{deployed.base_url}/v1", api_key="{deployed.api_key}")
answer = client.{use.route.replace("/", ".")}.create(
    model="{deployed.model}", {use.field}={asked})
print(answer.choices[0].{use.text})

`make chat` talks to the model, `make logs` shows what happened, `make down` stops everything and
keeps its data."""
