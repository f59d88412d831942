"""The scalable targets of endpoints and of inference components, as they are registered."""

from embedded_aws.core.emulator import ScopedStore

targets, policies, scheduled = ScopedStore(), ScopedStore(), ScopedStore()


def is_registered(endpoint_name: str, variant_name: str) -> bool:
    """Return whether a variant is registered to be scaled."""
    wanted = f"endpoint/{endpoint_name}/variant/{variant_name}"
    return any(target["ResourceId"] == wanted for target in targets.values())


def deregister(begins: str) -> None:
    """Delete the targets whose resource ids begin so, their policies and scheduled actions."""
    for store in (targets, policies, scheduled):
        for key in [k for k in store if k.startswith(begins)]:
            del store[key]
