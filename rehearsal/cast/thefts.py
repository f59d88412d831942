"""What a thief tries with a stolen role or a token of another repository: all of it is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from rehearsal.cast.aws import Aws
from rehearsal.cast.github import GitHub, NotApprovedError, Variables
from rehearsal.cast.repository import ACCOUNTS, REGION
from rehearsal.report.timeline import Timeline
from stacks.accounts import bootstrap_role

_TITLE = "a stolen role"


@dataclass(frozen=True)
class Thief:
    """Holds what a job of dev holds: its token, and each session that it can get."""

    aws: Aws
    github: GitHub
    commit: str

    def attempts(self) -> dict[str, Callable[[], object]]:
        """Return what it tries, each of which must raise."""
        dev = self._token("dev")
        deliver = self.github.sign_in(dev, _arn("dev", "Dev-Delivery"), REGION)
        deployer = self.github.chain(deliver, _bootstrap("dev", "deploy"))
        nightly = self.github.sign_in(
            self._token("dev-nightly"), _arn("dev", "Dev-Nightly"), REGION
        )
        stranger = self.github.issuer.token("repo:eve/mistral:environment:prod")
        prod = _arn("prod", "Prod-Delivery")
        return {
            "token of dev": lambda: self.github.sign_in(dev, prod, REGION),
            "foreign token": lambda: self.github.sign_in(stranger, prod, REGION),
            "no approval": lambda: self.github.token("unreviewed", "prod"),
            "dev's role": lambda: self.github.chain(deliver, _bootstrap("prod", "deploy")),
            "dev's deployer": lambda: self.github.chain(deployer, _bootstrap("prod", "deploy")),
            "dev's own rights": lambda: self._delete_stack(deliver),
            "dev's reader": lambda: self.github.chain(nightly, _bootstrap("dev", "deploy")),
        }

    def _token(self, environment: str) -> str:
        return self.github.token(self.commit, environment)

    def _delete_stack(self, session: Variables) -> object:
        cloudformation = self.aws.client_with("cloudformation", session)
        return cloudformation.delete_stack(StackName="Dev-Api")


def refused(thief: Thief, timeline: Timeline) -> bool:
    """Try everything; returns whether all was refused."""
    results = []
    for name, attempt in thief.attempts().items():
        with timeline.step(_TITLE, "thief", name) as step:
            try:
                attempt()
            except ClientError as error:
                step.note = f"refused: {error.response['Error']['Code']}"
            except NotApprovedError as error:
                step.note = f"refused: {error}"
            else:
                step.failed, step.note = True, "was let in"
            results.append(not step.failed)
    return all(results)


def _arn(environment: str, role: str) -> str:
    return f"arn:aws:iam::{ACCOUNTS[environment]}:role/{role}"


def _bootstrap(environment: str, kind: str) -> str:
    return _arn(environment, bootstrap_role(environment, kind, ACCOUNTS[environment], REGION))
