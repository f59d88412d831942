"""The commits of a rehearsal: what each changes, and how it must end."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a job of CI ends."""

    DEPLOYED = "deployed"
    RETURNED = "returned"  # the deployment or a proof failed, and the commit before is deployed
    NOT_REACHED = "not reached"


DEPLOYED, RETURNED = Outcome.DEPLOYED, Outcome.RETURNED
NOT_REACHED = Outcome.NOT_REACHED


@dataclass(frozen=True, kw_only=True)
class Change:
    """One merge: its title, an edit of the app, and what becomes of it in each environment."""

    title: str
    before: str = ""
    after: str = ""
    dev: Outcome
    staging: Outcome
    prod: Outcome

    def edit(self) -> tuple[str, str, str]:
        """Return what a commit of it needs: the title, and the edit."""
        return self.title, self.before, self.after

    def expected(self) -> dict[str, Outcome]:
        """Return how each environment's job must end."""
        return {"dev": self.dev, "staging": self.staging, "prod": self.prod}


FIRST = Change(title="the first deployment", dev=DEPLOYED, staging=DEPLOYED, prod=DEPLOYED)
CHANGES = (
    FIRST,
    # The registry has no such image: no container starts, and the endpoint's update fails.
    Change(
        title="a model that does not start",
        before='_IMAGE_TAG = "2.0.1-tgi1.1.0',
        after='_IMAGE_TAG = "2.0.1-tgi1.1.9',
        dev=RETURNED,
        staging=NOT_REACHED,
        prod=NOT_REACHED,
    ),
    # The stack `Serving` is updated before Lambda refuses what the stack `Api` reserves, and
    # CloudFormation undoes `Api` alone.
    Change(
        title="more than Lambda's quota allows",
        before="            firewall=None,\n",
        after="            firewall=None,\n            reserved_concurrency=1_000,\n",
        dev=RETURNED,
        staging=NOT_REACHED,
        prod=NOT_REACHED,
    ),
    # One request after the other is answered, six at once are not: only the benchmark sees it.
    Change(
        title="too few requests at a time",
        before='"Staging": 8, "Prod": 8}',
        after='"Staging": 2, "Prod": 2}',
        dev=DEPLOYED,
        staging=RETURNED,
        prod=NOT_REACHED,
    ),
    # Requests wait for those before them: nobody but many users at once sees it.
    Change(
        title="first tokens that wait for others",
        before='_WAITING_TOKENS = {"Prod": 20}',
        after='_WAITING_TOKENS = {"Prod": 400}',
        dev=DEPLOYED,
        staging=DEPLOYED,
        prod=RETURNED,
    ),
)
# What the last change does on a GPU, and here by the circumstances: seconds before an answer.
SLOW_SETTINGS = {"MAX_WAITING_TOKENS=400": 4}
