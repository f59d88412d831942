"""One mutant after the other: put in place, probed, put back, judged."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from least_privilege.mutants import Mutant, listed, statements
from least_privilege.only_aws import Explanation, Loss, explanation
from least_privilege.policies import Policy
from least_privilege.refusals import Refusal, Refusals
from least_privilege.waiting import ForbiddenError, ProbeError


class Verdict(enum.StrEnum):
    """What became of a mutant."""

    KILLED = "killed"  # the probe fails, because of what was taken away
    ONLY_AWS = "only AWS"  # the probe passes, for a reason that is written down
    SURVIVED = "survived"  # the probe passes: the statement goes, or the emulator lacks something
    UNCLEAR = "unclear"  # the probe fails, and nothing shows that it is for this
    STALE = "stale"  # killed, although written down as what only AWS shows
    NOT_RUN = "not run"  # no probe claims the policy


@dataclass(frozen=True)
class Outcome:
    """A mutant with its verdict, and what was seen."""

    policy: Policy
    mutant: Mutant
    verdict: Verdict
    failure: str = ""
    detail: str = ""
    explained: Explanation | None = None

    @property
    def actions(self) -> list[str]:
        """The actions that the mutant takes away, from all resources or from one."""
        return lost_actions(self.policy, self.mutant)


def lost_actions(policy: Policy, mutant: Mutant) -> list[str]:
    """Return the actions that the mutant takes away, from all resources or from one."""
    actions: list[str] = listed(statements(policy.document)[mutant.statement]["Action"])
    return [mutant.removed] if mutant.removed in actions else actions


def _loss(policy: Policy, mutant: Mutant) -> Loss:
    statement = statements(policy.document)[mutant.statement]
    resources = listed(statement.get("Resource", []))
    return Loss(
        owner=policy.owner,
        effect=statement["Effect"],
        actions=lost_actions(policy, mutant),
        resources=[mutant.removed] if mutant.removed in resources else resources,
    )


def run(policy: Policy, mutant: Mutant, probe: Callable[[], None], refusals: Refusals) -> Outcome:
    """Probe with the mutant in place of the policy."""
    refusals.skip()
    failure: ProbeError | None = None
    with policy.replaced(mutant.document):
        try:
            probe()
        except ProbeError as error:
            failure = error
        seen = refusals.seen()
    return judge(policy, mutant, failure, seen)


def judge(
    policy: Policy, mutant: Mutant, failure: ProbeError | None, seen: list[Refusal]
) -> Outcome:
    """Return a failure counts when what was taken away is what was refused."""
    actions = lost_actions(policy, mutant)
    explained = explanation(_loss(policy, mutant))
    if failure is None:
        verdict = Verdict.ONLY_AWS if explained else Verdict.SURVIVED
        return Outcome(policy, mutant, verdict, explained=explained)
    if isinstance(failure, ForbiddenError):
        # Nothing is refused then: without a denial, something works that must not.
        was_denial = statements(policy.document)[mutant.statement]["Effect"] == "Deny"
        verdict = Verdict.KILLED if was_denial else Verdict.UNCLEAR
        return Outcome(policy, mutant, verdict, failure.what, str(failure))
    if not any(refusal.is_about(policy.principal, actions) for refusal in seen):
        return Outcome(policy, mutant, Verdict.UNCLEAR, failure.what, str(failure))
    verdict = Verdict.STALE if explained else Verdict.KILLED
    return Outcome(policy, mutant, verdict, failure.what, str(failure))
