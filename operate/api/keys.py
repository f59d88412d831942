"""The clients' API keys."""

from botocore.exceptions import ClientError

from operate.environment import Environment

_KEY_OUTPUT = "ApiKeyId"


def key(environment: Environment, client: str) -> None:
    """Print a client's key."""
    print(key_of(environment, client))


def client_names(environment: Environment) -> list[str]:
    """Return the names of the clients that have keys."""
    return sorted(_key_ids(environment))


def key_of(environment: Environment, client_name: str) -> str:
    """Return the value of a client's key; raises SystemExit if there is no such client."""
    ids = _key_ids(environment)
    if not ids:
        raise SystemExit(f"{environment.name} has no keys: its callers sign their requests (IAM)")
    if client_name not in ids:
        raise SystemExit(
            f"CLIENT must be one of {', '.join(sorted(ids))} (stacks/environments.py declares "
            f"them), got {client_name!r}"
        )
    try:
        answer = environment.client("apigateway").get_api_key(
            apiKey=ids[client_name], includeValue=True
        )
    except ClientError as error:
        raise SystemExit(
            f"the key of {client_name} cannot be read: {error}\n"
            "use credentials that may apigateway:GET it"
        ) from error
    return str(answer["value"])


def _key_ids(environment: Environment) -> dict[str, str]:
    found = environment.outputs("Api").items()
    return {k.removeprefix(_KEY_OUTPUT): v for k, v in found if k.startswith(_KEY_OUTPUT)}
