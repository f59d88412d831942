"""`AWS::IAM::OIDCProvider`: an issuer of tokens that an account trusts."""

from ministack.services import iam

from embedded_aws.cloudformation.provisioning import add_resource_type
from embedded_aws.core.emulator import Json

_LISTS = {"ClientIdList": "ClientIDList", "ThumbprintList": "ThumbprintList"}


def install() -> None:
    """Register the type."""
    add_resource_type("AWS::IAM::OIDCProvider", _create, _update, _delete)


def _create(_logical_id: str, props: Json) -> tuple[str, Json]:
    status, _headers, body = iam._create_oidc_provider({"Url": [props["Url"]]})
    if status != 200:  # noqa: PLR2004 - HTTP's own
        raise ValueError(body.decode() if isinstance(body, bytes) else str(body))
    (arn,) = (a for a, each in iam._oidc_providers.items() if each["Url"] == props["Url"])
    return _kept(arn, props)


def _update(logical_id: str, physical_id: str, old: Json, new: Json) -> tuple[str, Json]:
    if old["Url"] != new["Url"]:
        return _create(logical_id, new)
    return _kept(physical_id, new)


def _kept(arn: str, props: Json) -> tuple[str, Json]:
    record = iam._oidc_providers[arn]
    record.update({name: props.get(given, []) for given, name in _LISTS.items()})
    record["Tags"] = props.get("Tags", [])
    return arn, {"Arn": arn}


def _delete(physical_id: str, _props: Json) -> None:
    iam._oidc_providers.pop(physical_id, None)
