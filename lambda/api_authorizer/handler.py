"""The Lambda authorizer behind `apiKeySource: AUTHORIZER`."""

import re
from hashlib import sha256
from typing import Any

# API Gateway's keys have 20 to 128 characters.
_BEARER = re.compile(r"Bearer +([\x21-\x7e]{20,128})", re.IGNORECASE)


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the key for API Gateway to check against its usage plans.

    API Gateway refuses a key that is in no plan. The policy covers the whole stage, because the
    answer is cached for all of the key's requests.
    """
    del context
    bearer = _BEARER.fullmatch(event.get("authorizationToken", "").strip())
    if bearer is None:
        # The one text that API Gateway answers with 401 instead of 500.
        raise Exception("Unauthorized")  # noqa: TRY002 - its text is the contract, not its type
    api, stage, *_ = event["methodArn"].split("/")
    return {
        "principalId": sha256(bearer[1].encode()).hexdigest()[:16],
        "usageIdentifierKey": bearer[1],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": f"{api}/{stage}/*",
                }
            ],
        },
    }
