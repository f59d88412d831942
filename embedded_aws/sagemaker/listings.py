"""The filters, orders and pages that SageMaker's List operations share."""

from collections.abc import Iterable

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid

_DEFAULT_PAGE = 100
_PAGING = {"MaxResults", "NextToken", "SortBy", "SortOrder"}
# A filter of the request, and the record's member that it compares.
_EQUAL = {"EndpointNameEquals": "EndpointName", "VariantNameEquals": "VariantName"}
_FROM = {
    "CreationTimeAfter": "CreationTime",
    "CreatedAfter": "CreationTime",
    "LastModifiedTimeAfter": "LastModifiedTime",
}
_UNTIL = {
    "CreationTimeBefore": "CreationTime",
    "CreatedBefore": "CreationTime",
    "LastModifiedTimeBefore": "LastModifiedTime",
}


def page(
    result: str,
    records: Iterable[Json],
    members: tuple[str, ...],
    request: Json,
    *,
    sort_keys: dict[str, str],
    handled: tuple[str, ...] = (),
    newest_first: bool = False,
) -> Json:
    """Return one page of the records that the request asks for, cut down to `members`.

    `sort_keys` translates SortBy; filters named in `handled` were applied by the caller.
    """
    filters = {k: v for k, v in request.items() if k not in _PAGING and k not in handled}
    chosen = [r for r in records if all(_holds(r, *item, sort_keys) for item in filters.items())]
    by = sort_keys[request.get("SortBy", "CreationTime")]
    order = request.get("SortOrder", "Descending" if newest_first else "Ascending")
    chosen.sort(key=lambda record: record[by])
    if order == "Descending":  # of two of one millisecond, too, the newer one comes first
        chosen.reverse()
    begin = int(request.get("NextToken", 0))
    end = begin + request.get("MaxResults", _DEFAULT_PAGE)
    found = [{k: record[k] for k in members if k in record} for record in chosen[begin:end]]
    return {result: found, **({"NextToken": str(end)} if end < len(chosen) else {})}


def _holds(record: Json, name: str, wanted: str | float, sort_keys: dict[str, str]) -> bool:
    if name in _FROM:
        return float(record[_FROM[name]]) >= float(wanted)
    if name in _UNTIL:
        return float(record[_UNTIL[name]]) <= float(wanted)
    if name in _EQUAL:
        return bool(record[_EQUAL[name]] == wanted)
    if name == "NameContains":
        return str(wanted) in record[sort_keys["Name"]]
    if name == "StatusEquals":
        return bool(record[sort_keys["Status"]] == wanted)
    raise invalid(f"the embedded SageMaker does not filter by {name}")
