"""How a merge goes through the environments: which step stops it, and what is undone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from rehearsal.cast.github import GitHub, NotApprovedError
from rehearsal.changes import FIRST
from rehearsal.ci.shell import Shell, StepFailedError
from rehearsal.ci.workflow import ENVIRONMENTS, Main
from rehearsal.report.timeline import Timeline

if TYPE_CHECKING:
    from rehearsal.ahead import Ahead
    from rehearsal.cast.repository import Repository
    from rehearsal.cast.users import Users

ROOT = Path(__file__).parents[3]
_OLD, _NEW = "0" * 40, "1" * 40
_DIGESTS = {_OLD: "old", _NEW: "new"}


class _Ci(Main):
    """The workflow without machines: `failing` are the verbs that fail, by environment."""

    def __init__(self, *failing: tuple[str, str], former: str = _OLD, again: str = "old") -> None:
        self.ran: list[tuple[str, str, str]] = []
        self.given: list[tuple[str, str, frozenset[str], bool]] = []
        self.is_asked = False
        self.failing, self.former, self.again = failing, former, again
        super().__init__(
            repository=cast("Repository", self),
            shell=cast("Shell", self),
            github=cast("GitHub", self),
            timeline=Timeline(say=lambda _line: None),
            users=cast("Users", self),
            artifacts=Path("artifacts"),
            accelerated=nullcontext,
            ahead=cast("Ahead", self),
            digests=dict(_DIGESTS),
        )

    folder = Path("checkout")
    approved: str | None = None

    def make(self, _checkout: Path, verb: str, *_rest: Any, **given: str) -> str:
        environment = given.get("ENV", "")
        self.given.append((environment, verb, frozenset(given), self.is_asked))
        self.ran.append((environment, verb, given.get("DIGEST", "")))
        if (environment, verb) in self.failing and given.get("DIGEST") != "old":
            raise StepFailedError(f"{verb} failed")
        return {
            "place": f"region=r\nrole=arn/{environment}\nreader=arn/reader",
            "deployed-commit": f"commit={self.former}\ndeployed={'true' if self.former else ''}",
        }.get(verb, "3 passed")

    def result(self, task: str) -> str:
        if task in ENVIRONMENTS:
            self.ran.append((task, "set up", ""))
        else:
            self.ran.append(("dev", "assembly", task))
        return self.again

    def approve(self, commit: str, environment: str) -> None:
        self.approved = f"{commit} {environment}"

    def token(self, *_of: str) -> str:
        return "token"

    def sign_in(self, *_as: Any) -> dict[str, str]:
        return {}

    def chain(self, *_as: Any) -> dict[str, str]:
        return {}

    @contextmanager
    def asking(self) -> Iterator[None]:
        self.is_asked = True
        try:
            yield
        finally:
            self.is_asked = False

    def verbs(self, environment: str) -> list[str]:
        ran = [verb for name, verb, _digest in self.ran if name == environment]
        assert ran[:1] in ([], ["set up"])  # Nobody signs in before.
        return ran[1:]

    def deployed(self, environment: str) -> list[str]:
        return [d for name, verb, d in self.ran if (name, verb) == (environment, "deploy")]


def _ended(ci: _Ci) -> list[str]:
    return [str(outcome) for outcome in ci.merge(FIRST, _NEW).values()]


def test_a_good_commit_is_deployed_everywhere_with_its_proofs() -> None:
    ci = _Ci()
    assert _ended(ci) == ["deployed"] * 3
    for name in ("dev", "staging"):
        again = ["assembly"] if name == "dev" else []
        verbs = ["place", "deployed-commit", *again, "deploy", "smoke", "bench", "drift"]
        assert ci.verbs(name) == verbs
    assert ci.verbs("prod") == ["place", "deployed-commit", "deploy", "smoke", "drift", "watch"]
    assert ci.approved == f"{_NEW} prod"


@pytest.mark.parametrize("failing", ["deploy", "smoke", "bench", "drift"])
def test_a_deployment_or_proof_that_fails_returns_to_the_commit_before_and_stops(
    failing: str,
) -> None:
    ci = _Ci(("staging", failing))
    assert _ended(ci) == ["deployed", "returned", "not reached"]
    assert ci.deployed("staging") == ["new", "old"]
    assert ci.deployed("prod") == []


def test_an_alarm_of_prod_returns_prod_alone() -> None:
    ci = _Ci(("prod", "watch"))
    assert _ended(ci) == ["deployed", "deployed", "returned"]
    assert ci.deployed("dev") == ["new"]
    assert ci.deployed("prod") == ["new", "old"]


def test_prods_users_come_with_its_watch_and_go_on_asking_while_it_returns() -> None:
    ci = _Ci(("prod", "watch"))
    ci.merge(FIRST, _NEW)
    assert [
        (environment, verb) for environment, verb, _given, is_asked in ci.given if is_asked
    ] == [("prod", "watch"), ("prod", "deploy")]
    assert not ci.is_asked


def test_the_commit_before_is_synthesized_again_once_and_before_the_new_one_is_deployed() -> None:
    ci = _Ci()
    ci.merge(FIRST, _NEW)
    assert [task for _, verb, task in ci.ran if verb == "assembly"] == [f"{_OLD} again"]
    order = [verb for _, verb, _ in ci.ran]
    assert order.index("assembly") < order.index("deploy")


def test_another_assembly_of_the_commit_before_stops_everything() -> None:
    ci = _Ci(again="other bytes")
    with pytest.raises(StepFailedError, match="is not what it was"):
        ci.merge(FIRST, _NEW)
    assert ci.deployed("dev") == []


@pytest.mark.parametrize(
    ("environment", "failing", "left_out"), [("dev", "drift", "watch"), ("prod", "watch", "bench")]
)
def test_a_job_runs_the_verbs_of_the_workflow_in_its_order(
    environment: str, failing: str, left_out: str
) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())
    commands = [step.get("run", "") for step in workflow["jobs"]["deploy"]["steps"]]
    verbs = [found[1] for each in commands if (found := re.search(r"make (?:-s )?([a-z-]+)", each))]
    ci = _Ci((environment, failing))
    ci.merge(FIRST, _NEW)
    again = "assembly" if environment == "dev" else ""  # It was made for dev's job.
    # Each commit that is rehearsed can be checked out.
    all_left_out = {left_out, "no-return", "assembly"} - {again}
    assert ci.verbs(environment) == [verb for verb in verbs if verb not in all_left_out]
    there, back = (c for c in commands if "make deploy" in c)
    wanted = [frozenset(re.findall(r"([A-Z]+)=", command)) for command in (there, back)]
    deployed = [g for e, verb, g, _ in ci.given if (e, verb) == (environment, "deploy")]
    assert deployed == wanted


@pytest.mark.parametrize("failing", ["deploy", "smoke"])
def test_the_first_deployment_has_nowhere_to_return_to(failing: str) -> None:
    ci = _Ci(("dev", failing), former="")
    with pytest.raises(StepFailedError):
        ci.merge(FIRST, _NEW)


def test_prods_job_has_no_token_before_its_approval() -> None:
    github = GitHub("http://127.0.0.1:1")
    with pytest.raises(NotApprovedError, match="waits for an approval of 1111111"):
        github.token(_NEW, "prod")
    github.approve(_OLD, "prod")
    with pytest.raises(NotApprovedError):
        github.token(_NEW, "prod")
    github.approve(_NEW, "prod")
    assert github.token(_NEW, "prod").count(".") == 2
