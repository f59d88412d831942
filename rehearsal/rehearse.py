"""The rehearsal: accounts are set up, five commits are merged, a thief comes, a table is made."""

import json
import signal
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from embedded_aws.iam.issuer import Issuer
from rehearsal import checks
from rehearsal.ahead import Ahead
from rehearsal.cast import thefts
from rehearsal.cast.aws import Aws, started
from rehearsal.cast.github import URL, GitHub
from rehearsal.cast.repository import ACCOUNTS, Repository
from rehearsal.cast.users import Users
from rehearsal.changes import CHANGES, FIRST, SLOW_SETTINGS, Change, Outcome
from rehearsal.ci.shell import Shell
from rehearsal.ci.workflow import Main, again
from rehearsal.report.picture import draw
from rehearsal.report.results import Result, table
from rehearsal.report.timeline import Timeline

_ROOT = Path(__file__).parents[1]
_OUT = _ROOT / "build" / "rehearsal"
PICTURE = _ROOT / "docs" / "rehearsal.svg"
# An alarm's minute is 2 s, in which prod's users have answers even where they wait.
_TIME_SCALE = 30
# The model is played, so that a laptop's speed decides nothing: 40 ms a token, at that scale.
_SERVICE_MODEL = {"step": 40 * _TIME_SCALE, "per_request": 1, "per_word": 1}


def rehearse(*, write: bool) -> None:
    """Rehearse, and print the table; raises SystemExit if anything ended otherwise than it must."""
    timeline = Timeline()
    _OUT.mkdir(parents=True, exist_ok=True)
    # A home's path is short, as sockets lie under it.
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        results = _rehearsed(timeline, Path(scratch))
    (_OUT / "timeline.json").write_text(json.dumps(timeline.as_json(), indent=1))
    picture = draw(timeline.steps, results)
    (_OUT / "rehearsal.svg").write_text(picture)
    if write:
        PICTURE.write_text(picture)
    print(f"\n{table(results)}\n\nin {timeline.now():.0f} s; {_OUT} has the logs and the picture")
    if any(result.wrong for result in results):
        raise SystemExit("the rehearsal did not end as it must: see above")


def _rehearsed(timeline: Timeline, scratch: Path) -> list[Result]:
    github = Issuer(URL)
    home = scratch / "aws"
    home.mkdir()
    timeline.head("the repository, and an AWS with three accounts")
    repository = Repository(scratch / "repository")
    circumstances: dict[str, object] = {
        "identity_providers": {URL: github.keys()},
        "service_model": _SERVICE_MODEL,
        "slow_settings": SLOW_SETTINGS,
    }
    with ThreadPoolExecutor(1) as beside:
        copied = beside.submit(repository.copy)
        with started(home, **circumstances) as aws, Ahead() as ahead:
            copied.result()
            shell = Shell(logs=_logs(), variables=aws.variables)
            _stop_when_interrupted(shell)
            main = Main(
                repository=repository,
                shell=shell,
                github=GitHub(aws.endpoint_url, github),
                timeline=timeline,
                users=Users(lambda: _prods_api(aws)),
                artifacts=scratch,
                accelerated=lambda: aws.accelerated(_TIME_SCALE),
                ahead=ahead,
            )
            return list(_results(main, aws))


def _stop_when_interrupted(shell: Shell) -> None:
    """Let Ctrl-C and SIGTERM end the verbs of all threads, and then the rehearsal."""

    def stop(*_signal: object) -> None:
        shell.stop()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _results(main: Main, aws: Aws) -> Iterator[Result]:
    commits = {each: main.repository.commit(*each.edit()) for each in CHANGES}
    main.timeline.head(FIRST.title)
    _work_ahead(main, aws, commits)
    main.digests[commits[FIRST]] = main.assemble(FIRST.title, commits[FIRST])
    deployed: dict[str, str] = {}
    for change, commit in commits.items():
        if change is not FIRST:
            main.timeline.head(change.title)
            main.digests[commit] = main.ahead.result(commit)
        result = Result(change.title, change.expected(), main.merge(change, commit))
        reached = (n for n, o in result.found.items() if o is Outcome.DEPLOYED)
        deployed |= dict.fromkeys(reached, commit)
        result.fault = _fault(aws, deployed)
        yield result
        if result.wrong:
            return
    main.timeline.head("a stolen role tries another account")
    thief = thefts.Thief(aws, main.github, commits[FIRST])
    yield Result.of_thefts(refused=thefts.refused(thief, main.timeline))


def _work_ahead(main: Main, aws: Aws, commits: Mapping[Change, str]) -> None:
    """Let administrators set the accounts up, and then CI's runners synthesize what is to come."""
    for name in ACCOUNTS:
        main.ahead.add(name, partial(_set_up, main, aws, name))
    for change, commit in commits.items():
        if change is not FIRST:
            main.ahead.add(commit, partial(main.assemble, change.title, commit))
    first = commits[FIRST]
    main.ahead.add(again(first), partial(main.assemble_again, FIRST.title, first))


def _fault(aws: Aws, deployed: Mapping[str, str]) -> str:
    """Return what is not deployed as it must be; empty if everything is."""
    try:
        for name, commit in deployed.items():
            checks.check(aws, name, commit)
    except checks.CheckFailedError as error:
        return str(error)
    return ""


def _set_up(main: Main, aws: Aws, environment: str) -> str:
    """Do what an administrator does once for an account."""
    administrator = aws.administrator(environment)
    # The CLI has a folder of its own to synthesize into.
    output = {"CDK_OUTPUT": str(aws.home / f"cdk.out-{environment}")}
    for verb in ("bootstrap", "delivery"):
        with main.timeline.step(FIRST.title, environment, verb):
            main.shell.make(
                main.repository.folder, verb, {**administrator, **output}, ENV=environment
            )
    return environment


def _prods_api(aws: Aws) -> tuple[str, str]:
    api = checks.deployment(aws, "prod")
    return api.base_url, api.api_key


def _logs() -> Path:
    """Return an empty folder for the logs of this rehearsal."""
    logs = _OUT / "logs"
    logs.mkdir(exist_ok=True)
    for old in logs.iterdir():
        old.unlink()
    return logs
