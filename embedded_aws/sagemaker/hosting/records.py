"""The records of what SageMaker hosts, and what its Create, Describe and List calls share."""

from embedded_aws.core.emulator import Json, ScopedStore, arn
from embedded_aws.core.rpc import invalid, now
from embedded_aws.sagemaker import listings

models, configs, endpoints, components = (ScopedStore() for _ in range(4))
HOSTS = "_Hosts"  # of the record of an endpoint that serves inference components
STUCK = "_Stuck"  # of one whose rollback failed, until an update succeeds
STORES = {
    "models": models,
    "configs": configs,
    "endpoints": endpoints,
    "components": components,
}


def check_emulated(given: Json, members: frozenset[str], what: str) -> None:
    """Raise ServiceError for a member that would change nothing here: we do not pretend."""
    if unknown := given.keys() - members:
        raise invalid(f"the embedded SageMaker has no {', '.join(sorted(unknown))} in {what}")


def get(store: ScopedStore, kind: str, name: str) -> Json:
    """Return the record with this name; raises ServiceError as SageMaker does."""
    if name not in store:
        raise invalid(f'Could not find {kind} "{arn("sagemaker", f"{kind}/{name}")}".')
    record: Json = store[name]
    return record


def name_of(store: ScopedStore, record_arn: str) -> str:
    """Return the name of the record with this ARN, or the ARN itself when there is none."""
    found = (name for name, record in store.items() if record["Arn"] == record_arn)
    return next(found, record_arn)


def create(store: ScopedStore, kind: str, name: str, record: Json) -> str:
    """Keep a new record, and return its ARN; raises ServiceError when the name is taken."""
    if name in store:
        raise invalid(f'Cannot create already existing {kind} "{name}".')
    record_arn = arn("sagemaker", f"{kind}/{name}".lower())  # as SageMaker's ARNs are
    store[name] = {**record, "CreationTime": now(), "Arn": record_arn}
    return record_arn


def described(record: Json, arn_name: str) -> Json:
    """Return what a Describe call answers."""
    return {
        arn_name: record["Arn"],
        **{k: v for k, v in record.items() if k not in ("Arn", "Tags") and k[0] != "_"},
    }


def page(
    result: str, kind: str, store: ScopedStore, members: tuple[str, ...], request: Json
) -> Json:
    """Return what a List call answers."""
    records = [
        {"LastModifiedTime": r["CreationTime"], **r, f"{kind}Arn": r["Arn"]} for r in store.values()
    ]
    keys = {"Name": f"{kind}Name", "Status": f"{kind}Status", "CreationTime": "CreationTime"}
    shown = (f"{kind}Name", f"{kind}Arn", *members)
    return listings.page(result, records, shown, request, sort_keys=keys, newest_first=True)
