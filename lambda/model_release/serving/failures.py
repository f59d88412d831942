"""Failures of a stack update that are the account's, and what a person does about them."""

import re

# AWS distinguishes them by their text only.
# Unverified: the texts, which are those of public reports; look at the stack's events when a quota
# or capacity first fails an update.
_QUOTA = re.compile(r"ResourceLimitExceeded|service (limit|quota)", re.IGNORECASE)
_QUOTA_NAME = re.compile(r"(?:limit|quota) '([^']+)'")
_CAPACITY = re.compile(
    r"insufficient\s?(instance)?\s?capacity|unable to provision requested ml compute capacity"
    r"|capacity ?error",
    re.IGNORECASE,
)
# While the instance type changes, the role may still be that of the old one.
_ROLE = re.compile(r"not authorized to perform: sagemaker:CreateEndpointConfig")


def advice(reason: str) -> str:
    """Return what to do about a quota, capacity or the role; empty for any other failure."""
    if _QUOTA.search(reason):
        name = _QUOTA_NAME.search(reason)
        quota = f"the quota '{name[1]}'" if name else "the endpoint quota of the instance type"
        return f"raise {quota}: an update runs the instances twice"
    if _CAPACITY.search(reason):
        return "AWS has no such instance free now: retry later, or change the instance type"
    if _ROLE.search(reason):
        return "deploy the Training stack: its release role is for another instance type"
    return ""
