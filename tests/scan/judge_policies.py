"""Judges policies read from standard input by cloudsplaining; runs in its own environment."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from cloudsplaining.scan.policy_document import PolicyDocument


def main() -> None:
    """Print each finding as a pair: where the policy stands, and `Risk[what]`."""
    findings = {
        (path, finding) for path, document in json.load(sys.stdin) for finding in _judge(document)
    }
    json.dump(sorted(findings), sys.stdout)


def _judge(document: dict[str, Any]) -> Iterator[str]:
    # A statement with a condition is judged too: conditions are the weakest bound that IAM has.
    policy = PolicyDocument(document, flag_conditional_statements=True)
    risks = {
        "PrivilegeEscalation": [found["type"] for found in policy.allows_privilege_escalation],
        "ResourceExposure": policy.permissions_management_without_constraints,
        "DataExfiltration": policy.allows_data_exfiltration_actions,
        "InfrastructureModification": policy.infrastructure_modification,
        "CredentialsExposure": policy.credentials_exposure,
        "ServiceWildcard": policy.service_wildcard,
    }
    for risk, found in risks.items():
        for what in found:
            yield f"{risk}[{what}]"


if __name__ == "__main__":
    main()
