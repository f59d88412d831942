"""The differences between two environments' templates, apart from names and locations."""

import json
import re
from collections.abc import Iterator
from typing import Any

from stacks.accounts import FILE_VARIABLE, read_accounts
from tests.infrastructure.assembly import ACCOUNTS, Assembly

Json = dict[str, Any]

# AWS keeps its images in another account in some regions.
_REGISTRIES = {"eu-central-1": "763104351884", "ap-southeast-3": "907027046896"}

# The endpoint's digest, and that of its policy; the CDK's, of a path or of properties, at the end
# of a logical id.
_DIGEST = re.compile(
    r'(?<=")[0-9a-f]{16}(?=")|(?<=RoleModel)[0-9a-f]{8}'
    r"|[0-9A-F]{8}(?:[0-9a-f]{32})?|(?<=-)[0-9a-f]{8}(?=-)"
)


def differences(assembly: Assembly, stack: str, one: str, other: str) -> Json:
    """Return what each environment's stack has where they differ, by path.

    Of a resource that only one has, its type.
    """
    first, second = (_neutral(assembly, stack, environment) for environment in (one, other))
    for body, without in ((first, second), (second, first)):
        for name in body["Resources"].keys() - without["Resources"].keys():
            body["Resources"][name] = body["Resources"][name]["Type"]
    ones, others = dict(_leaves(first)), dict(_leaves(second))
    return {
        path.removeprefix("Resources."): (ones.get(path), others.get(path))
        for path in sorted({*ones, *others})
        if ones.get(path) != others.get(path)
    }


def _neutral(assembly: Assembly, stack: str, environment: str) -> Json:
    """Return a template without the environment's name, account and region, or digests of them."""
    place = read_accounts({FILE_VARIABLE: str(ACCOUNTS)}).place(environment.lower())
    account, region = str(place.account), str(place.region)
    text = json.dumps(assembly.template(f"{environment}/{stack}").body)
    for old, new in {account: "<account>", _REGISTRIES[region]: "<registry>"}.items():
        text = text.replace(old, new)
    # JumpStart's bucket has the region in its name, and is not this environment's.
    text = re.sub(
        f"(?i)(?<!cache-){environment}(?!uct)", "<stage>", text.replace(region, "<region>")
    )
    body: Json = json.loads(_DIGEST.sub("#", text))
    return body


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that holds no other, with its path."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, member in enumerate(value):
            yield from _leaves(member, f"{path}[{number}]")
    else:
        yield path, value
