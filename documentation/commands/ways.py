"""How each command of the README and the guides is checked, beyond that it parses."""

from collections.abc import Mapping
from dataclasses import dataclass

from .reading import Command

_OWN = "the embedded AWS stands for the account"
_ARM = "functions for AWS are built for its processors: `local` is the environment that runs here"
_HOURS = "its instances are AWS's: it parses, and the embedded AWS rehearses the same"


@dataclass(frozen=True, kw_only=True)
class Run:
    """It is run in the clean clone, as it stands or as another command, for a reason."""

    instead: str = ""
    why: str = ""
    expects: str = ""  # what it prints
    status: int = 0  # that it ends with


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Another suite of `.ci/run` runs it, or the same verb with what this machine has."""

    suite: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """Its verb and arguments are checked, no more."""

    why: str


Way = Run | Elsewhere | Parsed

_TUNED = Elsewhere(suite="make pipeline", why="tests/pipeline/test_release.py")
_OWN_DATA = Elsewhere(
    suite="make jobs", why="the preparing job reads both forms; `make pipeline` gives parameters"
)

WAYS: Mapping[str, Way] = {
    # README
    "make up": Run(expects="Bearer"),
    "make test": Elsewhere(suite="make test", why="`.ci/run` begins with it, in a clean checkout"),
    "make up MODEL=~/mistral-7b-instruct-v0.1.Q4_K_M.gguf ENTRY=mistral-7b-instruct": Elsewhere(
        suite="make lifecycle",
        why="tests/lifecycle/test_own_model.py, a small file of the same architecture",
    ),
    "make finetune": _TUNED,
    'make finetune DATA=folder SET="epoch=3 seed=7"': _OWN_DATA,
    "make finetune ENV=dev": Parsed(why=_HOURS),
    "make rollback": _TUNED,
    "make setup": Run(),
    ". .venv/bin/activate": Run(),
    'export PATH="$PWD/node_modules/.bin:$PATH"': Run(),
    "$EDITOR accounts.toml": Run(why="the editor is a script that writes the account"),
    "make bootstrap ENV=dev": Run(why=_OWN),
    "make preflight ENV=dev": Run(
        why=f"{_OWN}, and lacks AWS's images and weights, as its rows say",
        expects="dev is not ready",
        status=2,  # make's for any failure
    ),
    "make diff ENV=dev": Run(why=_OWN, expects="Number of stacks with differences"),
    "make deploy ENV=dev": Run(instead="make deploy ENV=local", why=_ARM),
    # Call the API
    'export OPENAI_BASE_URL="https://<id>.execute-api.<region>.amazonaws.com/api/v1"': Run(),
    'export OPENAI_API_KEY="<key>"': Run(),
    'eval "$(.venv/bin/python -m operate openai)"': Run(),
    # Fine-tune a model
    "make finetune FAIL=gate": _TUNED,
    "make finetune MODE=domain": _OWN_DATA,
    "make drift": Run(),
    "make finetune DATA=folder": _OWN_DATA,
    "make finetune ENV=dev WATCH=<execution>": Parsed(why=_HOURS),
    "make rollback ENV=dev": Elsewhere(suite="make pipeline", why="as `make rollback`"),
    "make repair ENV=dev": Elsewhere(suite="make test", why="tests/embedded/test_repair.py"),
    # Runbook
    "make watch ENV=prod MINUTES=1": Run(instead="make watch ENV=local MINUTES=0.1", why=_ARM),
    "make drift ENV=prod": Run(instead="make drift ENV=local", why=_ARM),
    "make smoke ENV=prod": Elsewhere(suite="make smoke", why="of `local`"),
    "make stack-drift ENV=prod": Parsed(why="the embedded AWS detects no drift of stacks"),
    "make -s deployed-commit ENV=prod": Run(instead="make -s deployed-commit ENV=local", why=_ARM),
    "make repair ENV=prod": Elsewhere(suite="make test", why="tests/embedded/test_repair.py"),
    # Deploy and operate
    "make smoke ENV=dev": Elsewhere(suite="make smoke", why="of `local`"),
    "make -s key ENV=dev CLIENT=Demo": Run(instead="make -s key ENV=local CLIENT=Demo", why=_ARM),
    "make chat ENV=dev": Run(instead="echo Hello | make chat ENV=local", why=_ARM),
    "cdk deploy 'Cpu/Weights'": Elsewhere(
        suite="make test", why="tests/embedded/test_stage_weights.py deploys the stack's bucket"
    ),
    "make stage-weights ENV=cpu": Elsewhere(
        suite="make test", why="tests/embedded/test_stage_weights.py, from a hub of the test's own"
    ),
    "make deploy ENV=cpu": Parsed(why=_ARM),
    'make bench ENV=dev BENCH="--endpoint --estimate"': Run(
        instead='make bench ENV=local BENCH="--endpoint --estimate"', why=_ARM
    ),
    "make bench ENV=dev BENCH=--endpoint": Parsed(why="26 minutes of load, for a GPU"),
    "python -m bench compare published bench-results/RUN": Elsewhere(
        suite="make test", why="with runs that tests/unit/bench/test_results.py writes"
    ),
    'make recall ENV=dev BENCH="--users 8"': Parsed(why="for a GPU; `make unit` asks a double"),
    "make destroy ENV=dev": Run(
        instead="make destroy ENV=local CONFIRM=local", why=_ARM, expects="to be deleted"
    ),
    "make cleanup ENV=dev": Run(instead="make cleanup ENV=local < /dev/null", why=_ARM),
}


def way_of(command: Command) -> Way | None:
    """Return how a command is checked; examples are run whole, as the deployed API's clients."""
    if command.language != "console":
        return Run()
    if command.text.startswith("curl "):
        return Run(expects="generated_text" if "/generate" in command.text else "choices")
    return WAYS.get(command.text)
