"""What `.github/workflows` do: one assembly from environment to environment, and the way back.

`main.yml` is `Main.merge`, `deploy.yml` is `Main._job`: the same verbs in the same order.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.ahead import Ahead
from rehearsal.cast.github import GitHub, Variables
from rehearsal.cast.repository import Repository
from rehearsal.cast.users import Users
from rehearsal.changes import Change, Outcome
from rehearsal.ci.shell import Shell, StepFailedError
from rehearsal.report.timeline import Step, Timeline

ENVIRONMENTS = ("dev", "staging", "prod")
_DEPLOY_SECONDS = 14_400
# Shorter than in `deploy.yml`, against an objective that a laptop keeps beside other work.
_BENCH = (
    "--words 16 --tokens 8 --users 1,6 --seconds 1 --requests 4 --warm-up 0"
    " --max-time-to-first-token 10 --max-inter-token-latency 10 --min-good 0.9"
)
_WATCH_MINUTES = "0.5"
# The example prompts want sense, which what plays the model has none of.
_SMOKE = {"PYTEST_ADDOPTS": "-p no:cacheprovider --deselect=tests/smoke/test_example_prompts.py"}


def again(commit: str) -> str:
    """Return the name of the task that synthesizes a commit in another checkout."""
    return f"{commit} again"


@dataclass
class Main:
    """The workflow of the branch main, and what it keeps: artifacts, by commit."""

    repository: Repository
    shell: Shell
    github: GitHub
    timeline: Timeline
    users: Users
    artifacts: Path
    # While AWS waits or watches alarms, its time passes faster.
    accelerated: Callable[[], AbstractContextManager[None]]
    # Has the accounts set up, and commits synthesized before their merge.
    ahead: Ahead
    digests: dict[str, str] = field(default_factory=dict)
    _is_proven: bool = field(default=False, init=False)

    def merge(self, change: Change, commit: str) -> dict[str, Outcome]:
        """Take a commit as far as it gets; returns how each environment's job ended."""
        ended = dict.fromkeys(ENVIRONMENTS, Outcome.NOT_REACHED)
        for environment in ENVIRONMENTS:
            ended[environment] = self._job(change, commit, environment)
            if ended[environment] is not Outcome.DEPLOYED:
                break
        return ended

    def assemble(self, change: str, commit: str) -> str:
        """Synthesize a commit into the artifact that is deployed, and return its digest."""
        folder = self.repository.checked_out(commit).folder
        digest = self._synthesize(change, commit, folder)
        shutil.copy(folder / "build" / "assembly.tar.gz", self._artifact(commit))
        return digest

    def assemble_again(self, change: str, commit: str) -> str:
        """Synthesize a commit in another checkout, and return its digest."""
        return self._synthesize(change, commit, self.repository.checked_out(commit).folder)

    def _synthesize(self, change: str, commit: str, folder: Path) -> str:
        with self._step(change, "ci", "assembly") as step:
            digest = self._make(step, "assembly", {}, folder, COMMIT=commit).strip()
            step.note = f"of {commit[:7]}, digest {digest[:12]}"
        return digest

    def _artifact(self, commit: str) -> Path:
        return self.artifacts / f"{commit[:12]}.tar.gz"

    def _job(self, change: Change, commit: str, environment: str) -> Outcome:
        self.ahead.result(environment)
        place = self._place(change.title, environment)
        token = self._token(change.title, commit, environment)
        reader = self._sign_in(token, place, reads=True)
        with self._step(change.title, environment, "deployed-commit") as step:
            said = self._make(step, "deployed-commit", reader, ENV=environment)
            former = dict(line.split("=", 1) for line in said.splitlines())["commit"]
            step.note = former[:7] or "nothing yet"
        if former:
            self._synthesize_again(change.title, environment, former)
        deployer = self._sign_in(token, place, seconds=_DEPLOY_SECONDS)
        with ExitStack() as meanwhile:
            try:
                self._deploy(change.title, environment, commit, deployer, "deploy")
                reader = self._sign_in(token, place, reads=True)
                self._prove(change.title, environment, reader, meanwhile)
            except StepFailedError:
                if not former:
                    raise
                deployer = self._sign_in(token, place, seconds=_DEPLOY_SECONDS)
                self._deploy(change.title, environment, former, deployer, "return", UNGUARDED="1")
                return Outcome.RETURNED
        return Outcome.DEPLOYED

    def _place(self, change: str, environment: str) -> dict[str, str]:
        with self._step(change, environment, "place") as step:
            said = self._make(step, "place", {}, ENV=environment)
        return dict(line.split("=", 1) for line in said.split())

    def _token(self, change: str, commit: str, environment: str) -> str:
        """Return the job's token, which prod's gets when somebody has approved it."""
        if environment == "prod":
            with self._step(change, environment, "approval") as step:
                self.github.approve(commit, environment)
                step.note = "by a person, who sees that staging is done"
        return self.github.token(commit, environment)

    def _sign_in(
        self, token: str, place: dict[str, str], *, seconds: int = 3600, reads: bool = False
    ) -> Variables:
        session = self.github.sign_in(token, place["role"], place["region"], seconds)
        return self.github.chain(session, place["reader"]) if reads else session

    def _synthesize_again(self, change: str, environment: str, former: str) -> None:
        """Prove once that the way back has the same bytes; other jobs take what was kept."""
        if self._is_proven:
            return
        with self._step(change, environment, "assembly") as step:
            digest = self.ahead.result(again(former))
            step.note = f"of {former[:7]}, as it was"
            if digest != self.digests[former]:
                raise StepFailedError(f"{former[:7]} is not what it was: {digest}")
        self._is_proven = True

    def _deploy(
        self,
        change: str,
        environment: str,
        commit: str,
        deployer: Variables,
        name: str,
        **more: str,
    ) -> None:
        with self._step(change, environment, name) as step:
            step.note = commit[:7]
            file, digest = str(self._artifact(commit)), self.digests[commit]
            given = {"ENV": environment, "ASSEMBLY": file, "DIGEST": digest, **more}
            with self.accelerated():
                self._make(step, "deploy", deployer, None, **given)

    def _prove(
        self, change: str, environment: str, reader: Variables, meanwhile: ExitStack
    ) -> None:
        """Run the proofs; prod's users, once they come, go on asking `meanwhile`."""
        with self._step(change, environment, "smoke") as step:
            said = self._make(step, "smoke", {**reader, **_SMOKE}, ENV=environment)
            step.note = said.strip().splitlines()[-1].strip("= ")
        if environment != "prod":
            with self._step(change, environment, "bench") as step:
                self._make(step, "bench", reader, ENV=environment, BENCH=_BENCH)
        with self._step(change, environment, "drift") as step:
            self._make(step, "drift", reader, ENV=environment)
        if environment == "prod":
            meanwhile.enter_context(self.users.asking())
            with self._step(change, environment, "watch") as step, self.accelerated():
                self._make(step, "watch", reader, ENV=environment, MINUTES=_WATCH_MINUTES)

    @contextmanager
    def _step(self, change: str, lane: str, name: str) -> Iterator[Step]:
        with self.timeline.step(change, lane, name) as step:
            try:
                yield step
            except StepFailedError as error:
                step.note = str(error)
                raise

    def _make(
        self,
        step: Step,
        verb: str,
        credentials: Variables,
        folder: Path | None = None,
        **given: str,
    ) -> str:
        def going_on(line: str) -> None:
            self.timeline.going_on(step, line)

        checkout = folder or self.repository.folder
        return self.shell.make(checkout, verb, credentials, going_on, **given)
