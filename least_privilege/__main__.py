"""The verb: `python -m least_privilege [--role NAME] [--write]`."""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from least_privilege import table
from least_privilege.account import account, client
from least_privilege.mutants import Json, Mutant, mutants, of_adapters
from least_privilege.owners import ADAPTERS, OWNERS, STACKS, WITH_ADAPTERS, Probe, Probes
from least_privilege.policies import Policy, policies
from least_privilege.refusals import Refusals
from least_privilege.trial import Outcome, Verdict, run

_GOOD = (Verdict.KILLED, Verdict.ONLY_AWS)


def main() -> None:
    """Try every mutant, show each, and fail when one is not accounted for."""
    parser = argparse.ArgumentParser(prog="python -m least_privilege", description=__doc__)
    parser.add_argument(
        "--role",
        choices=[*OWNERS, ADAPTERS],
        action="append",
        help=f"just these (default: all but {ADAPTERS})",
    )
    parser.add_argument("--write", action="store_true", help="write the table to docs/")
    parser.add_argument("--home", type=Path, help="of an embedded AWS that runs, to use that one")
    asked = parser.parse_args()
    if ADAPTERS in (asked.role or ()) and (asked.home is None or len(asked.role) > 1):
        parser.error(
            f"--role {ADAPTERS} needs the --home of an embedded AWS whose stage declares adapters,"
            " and no other role: `make lifecycle` has one"
        )
    began = time.monotonic()
    with account(asked.home) as found:
        refusals = Refusals(found.log)
        every = list(policies(client, STACKS))
        groups = {name: (OWNERS | WITH_ADAPTERS)[name] for name in asked.role or OWNERS}
        outcomes = [] if asked.role else list(_unclaimed(every))
        for group in _Progress(every, groups, Probes(found, refusals), refusals).run():
            outcomes += group
            if asked.write:
                table.write(outcomes)
    print(f"{table.summary(outcomes)}; {(time.monotonic() - began) / 60:.0f} min")
    if any(outcome.verdict not in _GOOD for outcome in outcomes):
        sys.exit("some mutants are not accounted for: see above")


def _unclaimed(every: list[Policy]) -> Iterator[Outcome]:
    claimed = {owner for owners in OWNERS.values() for owner in owners}
    for policy in every:
        if policy.owner not in claimed:
            yield from (Outcome(policy, m, Verdict.NOT_RUN) for m in mutants(policy.document))


def _mutants(group: str, document: Json) -> Iterator[Mutant]:
    return (of_adapters if group == ADAPTERS else mutants)(document)


def _labelled(policy: Policy, group: str) -> Policy:
    """Return the policy; with adapters it has a section of its own."""
    return replace(policy, owner=f"{policy.owner}, with adapters") if group == ADAPTERS else policy


class _Progress:
    """Runs the groups, and tells after each mutant how long the rest will take."""

    def __init__(
        self,
        every: list[Policy],
        groups: dict[str, tuple[str, ...]],
        probes: Probes,
        refusals: Refusals,
    ) -> None:
        self._work = {
            name: [
                (_labelled(policy, name), mutant)
                for policy in every
                if policy.owner in owners
                for mutant in _mutants(name, policy.document)
            ]
            for name, owners in groups.items()
        }
        self._probes, self._refusals = probes, refusals
        self._total = sum(map(len, self._work.values()))
        self._outcomes: list[Outcome] = []
        self._began = time.monotonic()

    def run(self) -> Iterator[list[Outcome]]:
        """Yield what became of each mutant, group by group."""
        for name, work in self._work.items():
            probe = self._probes.named(name)
            begun = len(self._outcomes)
            self._check(name, probe)
            for policy, mutant in work:
                outcome = run(policy, mutant, probe.run, self._refusals)
                self._tell(outcome)
                if outcome.failure:
                    probe.clear()
            self._check(name, probe)  # what was put back is whole
            yield self._outcomes[begun:]

    def _check(self, name: str, probe: Probe) -> None:
        self._refusals.skip()
        began = time.monotonic()
        probe.run()
        print(f"--- {name}: the probe passes in {time.monotonic() - began:.1f} s", flush=True)
        for refusal in self._refusals.seen():
            print(f"    refused meanwhile: {refusal.action} by {refusal.principal}", flush=True)

    def _tell(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        done, spent = len(self._outcomes), time.monotonic() - self._began
        left = spent / done * (self._total - done) / 60
        print(
            f"[{done}/{self._total}, {left:.0f} min left] {outcome.verdict:<9}"
            f"{outcome.policy.owner}, {outcome.policy.name}, {outcome.mutant.statement + 1}: "
            f"{outcome.mutant.removed} {outcome.detail[:160]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
